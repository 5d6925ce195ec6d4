import { setTimeout as pause } from 'node:timers/promises';
import { Bus } from '#libs/bus/connection.ts';
import type { LimitBounds, LimitKey } from '#libs/contract/call-limits.ts';
import { SetAside } from '#libs/isolation/set-aside.ts';
import { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { Places } from '#services/agent/limits/places.ts';
import type { Verdict, Want } from '#services/agent/limits/want.ts';
import { type LogLine, recordLog } from '#test/support/log.ts';

export const LIMIT: LimitKey = 'gw:gw';

export const want = (owner: string, bounds: LimitBounds, node = 'fs1', limit = LIMIT): Want => ({
  ...{ limit, node, owner, bounds },
  n: '1-0',
});

/** The places of an agent in the test's process. */
export interface TestPlaces {
  readonly places: Places;
  /** Whether the agent is connected to FreeSWITCH. */
  readonly node: { up: boolean };
  readonly lines: readonly LogLine[];
  readonly used: (limit?: LimitKey) => number;
  /** Messages sent to NATS so far. */
  readonly sent: () => number;
  /** Ends without freeing anything, as a crash does. */
  readonly crash: () => Promise<void>;
}

export async function startPlaces(
  natsUrl: string,
  { name = 'fs1', leaseMs = 60_000, replicas = 1, rereadMs = 60_000 } = {},
): Promise<TestPlaces> {
  const { log, lines } = recordLog();
  const lifecycle = new Lifecycle(log, 5_000);
  const bus = await Bus.connect(natsUrl, 'agent', lifecycle, log);
  const node = { up: true };
  const places = new Places({
    bus,
    stream: { replicas, maxBytes: 8 << 20, maxAgeMs: 3_600_000 },
    leaseMs,
    rereadMs,
    maxBuffered: 10_000,
    node: () => name,
    isUp: () => node.up,
    log,
    aside: new SetAside(log),
  });
  return {
    places,
    node,
    lines,
    sent: () => bus.nats.stats().outMsgs,
    used: (limit = LIMIT) => places.view.usage(limit).used,
    crash: async () => {
      await places.close(AbortSignal.abort());
      await lifecycle.stop();
    },
  };
}

export interface Crowd {
  /** Most calls that had a place at the same time. */
  readonly most: number;
  /** Calls by verdict. */
  readonly verdicts: Readonly<Record<Verdict, number>>;
}

/** Places many short calls through all agents, which free their places again. `disturb` runs meanwhile. */
export async function crowd(
  agents: readonly TestPlaces[],
  max: number,
  { calls = 600, overMs = 1_500, disturb = async () => {} } = {},
): Promise<Crowd> {
  let up = 0;
  let most = 0;
  const verdicts: Record<Verdict, number> = { taken: 0, max: 0, rate: 0, unchecked: 0 };
  const call = async (at: number) => {
    await pause((at * 7) % overMs);
    const index = at % agents.length;
    const own = want(`c${at}`, { max }, `fs${index + 1}`);
    const [verdict = 'unchecked'] = (await agents[index]?.places.take([own])) ?? [];
    verdicts[verdict]++;
    if (verdict === 'taken') most = Math.max(most, ++up);
    await pause((at * 13) % 60);
    if (verdict === 'taken') up--;
    if (verdict === 'taken' || verdict === 'unchecked') agents[index]?.places.free([own]);
  };
  const all = Array.from({ length: calls }, (_, at) => call(at));
  await pause(overMs / 2);
  await disturb();
  await Promise.all(all);
  return { most, verdicts };
}
