import { afterAll, afterEach, beforeAll, describe, it } from 'vitest';
import { startTestCluster, type TestCluster } from '#test/support/cases/stack.ts';
import { type RealCaseNode, realCaseNode } from '#test/support/freeswitch/case-node.ts';
import { formatTrace } from '#test/support/freeswitch/sip-trace.ts';
import type { LifeCase } from './case.ts';
import { LifeHarness } from './harness.ts';
import { MASKING } from './masking.ts';
import { NUMBERS } from './numbers.ts';
import { PENDING } from './pending.ts';
import { REDIRECTS } from './redirects.ts';
import { REPORTS } from './reports.ts';
import { RING_TIME } from './ring-time.ts';
import { SETTINGS } from './settings.ts';
import { TIMES } from './times.ts';
import { TRANSFERS } from './transfers.ts';
import { TRIED } from './tried.ts';

export const LIFE_CASES: readonly LifeCase[] = [
  ...MASKING,
  ...TRIED,
  ...RING_TIME,
  ...SETTINGS,
  ...REDIRECTS,
  ...TRANSFERS,
  ...TIMES,
  ...NUMBERS,
  ...REPORTS,
];

/** A start of FreeSWITCH and of every service on a machine whose cores are busy. */
const START_MS = 300_000;
const CASE_MS = 45_000;

/** The life of a call beyond the happy path, through the whole product on a real FreeSWITCH. */
export function describeLife(): void {
  describe('the life of a call through a real FreeSWITCH', () => {
    let freeswitch: RealCaseNode;
    let cluster: TestCluster;
    let life: LifeHarness;

    beforeAll(async () => {
      freeswitch = await realCaseNode({ trackCalls: true });
      cluster = await startTestCluster(freeswitch);
      life = new LifeHarness(freeswitch, cluster);
    }, START_MS);
    afterEach(() => life.clear());
    afterAll(async () => {
      await cluster?.stop();
      await freeswitch?.stop();
    });

    const pending = new Set(Object.values(PENDING).flat());
    for (const { name, run } of LIFE_CASES) {
      const test = pending.has(name) ? it.fails : it;
      test(
        name,
        async () => {
          try {
            await run(life);
          } catch (error) {
            if (process.env['SIP_TRACE'] === 'on') console.log(`${name}\n${formatTrace(life.traces())}`);
            throw error;
          }
        },
        CASE_MS,
      );
    }

    it('every pending case exists', ({ expect }) => {
      const names = new Set(LIFE_CASES.map(({ name }) => name));
      expect([...pending].filter((name) => !names.has(name))).toEqual([]);
    });
  });
}
