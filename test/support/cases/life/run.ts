import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { startTestCluster, type TestCluster } from '#test/support/cases/stack.ts';
import { formatTrace } from '#test/support/freeswitch/sip-trace.ts';
import { ACCEPTANCE } from './acceptance.ts';
import { ANNOUNCEMENT } from './announcement.ts';
import { CACHED } from './cached.ts';
import type { LifeCase } from './case.ts';
import { MEDIA } from './codecs.ts';
import { COLLECT } from './collect.ts';
import { DURATION } from './duration.ts';
import { LifeHarness } from './harness.ts';
import { LIMITS } from './limits.ts';
import { LOOPBACK } from './loopback.ts';
import { MASKING } from './masking.ts';
import { DISPLAY_NAMES } from './names.ts';
import type { LifeNode } from './node.ts';
import { NUMBERS } from './numbers.ts';
import { OWN_DATA } from './own-data.ts';
import { PRESENTATION } from './presentation.ts';
import { RECORDING_TEMPLATE } from './recorded-call.ts';
import { RECORDING } from './recording.ts';
import { RECORDED_LEGS } from './recording-legs.ts';
import { REDIRECTS } from './redirects.ts';
import { REPORTS } from './reports.ts';
import { REPORTS_OF_IDENTITY } from './reports-identity.ts';
import { RESTING, RESTING_SETTINGS } from './resting.ts';
import { RETRY } from './retry.ts';
import { RING_TIME } from './ring-time.ts';
import { RINGBACK } from './ringback.ts';
import { SETTINGS } from './settings.ts';
import { STORY_CASES } from './stories.ts';
import { TIMES } from './times.ts';
import { TRANSFERS } from './transfers.ts';
import { CHAINED_TRANSFERS } from './transfers-chained.ts';
import { CONSULTATIONS } from './transfers-consultation.ts';
import { DISPLAYS_AFTER_TRANSFER } from './transfers-display.ts';
import { EARLY_TRANSFERS } from './transfers-early.ts';
import { PARTIES_OF_TRANSFERS } from './transfers-parties.ts';
import { TRIED } from './tried.ts';

export const LIFE_CASES: readonly LifeCase[] = [
  ...MASKING,
  ...PRESENTATION,
  ...TRIED,
  ...RING_TIME,
  ...SETTINGS,
  ...LOOPBACK,
  ...REDIRECTS,
  ...TRANSFERS,
  ...CHAINED_TRANSFERS,
  ...EARLY_TRANSFERS,
  ...DISPLAYS_AFTER_TRANSFER,
  ...PARTIES_OF_TRANSFERS,
  ...CONSULTATIONS,
  ...TIMES,
  ...NUMBERS,
  ...DISPLAY_NAMES,
  ...REPORTS,
  ...REPORTS_OF_IDENTITY,
  ...OWN_DATA,
  ...RETRY,
  ...DURATION,
  ...ANNOUNCEMENT,
  ...RINGBACK,
  ...MEDIA,
  ...CACHED,
  ...LIMITS,
  ...COLLECT,
  ...RESTING,
  ...STORY_CASES,
  ...ACCEPTANCE,
  ...RECORDING,
  ...RECORDED_LEGS,
];

/** Half a second and two seconds of a tone, and a file that does not exist. */
const SOUND_SETTINGS = {
  SOUNDS:
    'beep=tone_stream://%(500,0,440) long-beep=tone_stream://%(2000,0,440) lost=/nonexistent/dialhook-lost.wav',
  RINGBACKS: 'melody=%(4000,10,440) lost=/nonexistent/dialhook-lost.wav',
};

/** A start of FreeSWITCH and of every service on a machine whose cores are busy. */
const START_MS = 300_000;
const CASE_MS = 90_000;

/** The life of a call beyond the happy path, through the whole product on one kind of FreeSWITCH. */
export function describeLife(
  kind: string,
  start: () => Promise<LifeNode>,
  cases: readonly LifeCase[],
  { concurrent = false } = {},
): void {
  describe(`the life of a call through ${kind}`, () => {
    let node: LifeNode;
    let cluster: TestCluster;
    let recordings: string;

    beforeAll(async () => {
      node = await start();
      recordings = await mkdtemp(join(tmpdir(), 'dialhook-recordings-'));
      cluster = await startTestCluster(node, () => ({
        REDIRECT_ALLOWED_HOSTS: node.elsewhere,
        DECISION_CACHE_ENDPOINTS: '*',
        BREAKER_OPEN_MS: '0',
        ...SOUND_SETTINGS,
        RECORDINGS: `${recordings}/${RECORDING_TEMPLATE}`,
        LIMITS: 'gw:small=1',
        ...RESTING_SETTINGS,
      }));
    }, START_MS);
    afterAll(async () => {
      await cluster?.stop();
      await node?.stop();
      await rm(recordings, { recursive: true, force: true });
    });

    for (const { name, run, alone = false } of cases) {
      const test = concurrent && !alone ? it.concurrent : it;
      test(
        name,
        async () => {
          const life = new LifeHarness(node, cluster.endpoint(), () => cluster.endpoint(), recordings);
          try {
            await run(life);
          } catch (error) {
            if (process.env['SIP_TRACE'] === 'on') console.log(`${name}\n${formatTrace(life.traces())}`);
            throw error;
          } finally {
            if (node.running) await (concurrent ? life.clear() : node.endCalls());
          }
        },
        CASE_MS,
      );
    }
  });
}
