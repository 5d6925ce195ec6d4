import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ACCEPTANCE } from '#test/support/cases/life/acceptance.ts';
import { ANNOUNCEMENT } from '#test/support/cases/life/announcement.ts';
import type { LifeCase } from '#test/support/cases/life/case.ts';
import { COLLECT } from '#test/support/cases/life/collect.ts';
import { DURATION } from '#test/support/cases/life/duration.ts';
import { LIMITS } from '#test/support/cases/life/limits.ts';
import { MASKING } from '#test/support/cases/life/masking.ts';
import { RECORDING } from '#test/support/cases/life/recording.ts';
import { REDIRECTS } from '#test/support/cases/life/redirects.ts';
import { RING_TIME } from '#test/support/cases/life/ring-time.ts';
import { describeLife, LIFE_CASES } from '#test/support/cases/life/run.ts';
import { TRANSFERS } from '#test/support/cases/life/transfers.ts';
import { freeswitchFound, realCaseNode } from '#test/support/freeswitch/case-node.ts';

const FEATURES = [
  MASKING,
  RING_TIME,
  REDIRECTS,
  TRANSFERS,
  DURATION,
  ANNOUNCEMENT,
  LIMITS,
  COLLECT,
  ACCEPTANCE,
  RECORDING,
];
/** Cases of each feature. ALLOWLIST_CASES=all runs all. */
const EACH = 1;

/** What the dialplan of the tests and the tests themselves use besides. */
const OF_TESTS = ['hupall', 'originate', 'status', 'url_decode', 'uuid_bridge'].map(
  (name) => `mod_commands.${name}.api`,
);

function documented(): string {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/contract.md'), 'utf8');
  return /<interface-allowlist>[\s\S]*?<\/interface-allowlist>/.exec(page)?.[0] ?? '';
}

const allowlist = (): string =>
  documented().replace(
    '</interface-allowlist>',
    `${OF_TESTS.map((name) => `<allow name="${name}"/>`).join('')}</interface-allowlist>`,
  );

/** 1.11.2 and later have the allowlist. */
function hasAllowlist(): boolean {
  if (!freeswitchFound()) return false;
  const text = execFileSync('freeswitch', ['-version'], { encoding: 'utf8' });
  const [, major = 0, minor = 0, patch = 0] = (/(\d+)\.(\d+)\.(\d+)/.exec(text) ?? []).map(Number);
  return major * 1e6 + minor * 1e3 + patch >= 1_011_002;
}

if (hasAllowlist()) {
  const refuses: LifeCase = {
    name: 'refuses other applications and API commands',
    run: async (life) => {
      expect(await life.freeswitch.api('system true')).toMatch(/^-ERR system command not found/i);
    },
  };
  const cases = FEATURES.flatMap((feature) => feature.slice(0, EACH));
  describeLife(
    'a FreeSWITCH with the documented interface-allowlist',
    () => realCaseNode({ trackCalls: true, interfaceAllowlist: allowlist() }),
    [refuses, ...(process.env['ALLOWLIST_CASES'] === 'all' ? LIFE_CASES : cases)],
  );
} else
  describe('the documented interface-allowlist', () => {
    it.skip('left out: no freeswitch 1.11.2 or newer on the PATH', () => {});
  });
