import { setTimeout as sleep } from 'node:timers/promises';
import type { Allowed, Fault } from './faults.ts';
import { judge, type Row } from './judge.ts';
import { SimulatedSwitch } from './simulated-switch.ts';
import { runStage, type Stage, type Timing } from './stage.ts';
import type { NewSwitch } from './switch.ts';
import { TIMEOUTS, World, type WorldOptions } from './world.ts';

/** On top of a call's two timeouts: the agent's own 250 ms for the way to a router, and a machine of two busy cores. */
const WAIT_MARGIN_MS = 1_000;
export const WAIT_LIMIT_MS = TIMEOUTS.connectMs + TIMEOUTS.responseMs + WAIT_MARGIN_MS;

/** Longer than anything that ends by itself: a dead worker's lock, a silent worker, a wait of the schedule. */
const PATIENCE_MS = 30_000;
const POLL_MS = 100;

export interface RunOptions {
  readonly rate: number;
  readonly timing: Timing;
  readonly log?: string;
  /** Simulated when absent. */
  readonly newSwitch?: NewSwitch;
}

const union = (lists: readonly (readonly string[] | undefined)[]): readonly string[] => [
  ...new Set(lists.flatMap((list) => list ?? [])),
];

function allowedOf(faults: readonly Fault[]): Allowed {
  const all = faults.map(({ allowed }) => allowed);
  return {
    repeats: all.some(({ repeats }) => repeats),
    ghosts: all.some(({ ghosts }) => ghosts),
    unseen: union(all.map(({ unseen }) => unseen)),
    crashed: union(all.map(({ crashed }) => crashed)),
  };
}

/** What is done to calls that last into the next stages is allowed as it is there. */
function row(world: World, stage: Stage, stages: readonly Stage[]): Row {
  const { arrivals, known } = world.endpoint;
  const { faults, from, to, backAfterMs, missing, ownLagMs } = stage;
  const calls = world.calls.all.filter(({ at }) => at >= from && at < to);
  const end = Math.max(to, ...calls.map(({ endedAt = Number.POSITIVE_INFINITY }) => endedAt));
  const met = stages.filter((one) => one.from >= from && one.from < end);
  return judge({
    fault: faults.map(({ name }) => name).join(' + '),
    allowed: allowedOf(met.flatMap((one) => one.faults)),
    calls,
    waits: world.watcher.waits,
    waitLimitMs: WAIT_LIMIT_MS,
    ownLagMs,
    arrivals,
    known,
    backAfterMs,
    missing,
  });
}

/** Waits until nothing is lost, or the endpoint has heard nothing new for as long as anything can take. */
async function settle(world: World, stages: readonly Stage[]): Promise<Row[]> {
  let heard = world.endpoint.heard;
  let since = performance.now();
  for (;;) {
    const rows = stages.map((stage) => row(world, stage, stages));
    const now = performance.now();
    if (world.endpoint.heard !== heard) since = now;
    heard = world.endpoint.heard;
    if (rows.every(({ lost }) => lost === 0) || now - since > PATIENCE_MS) return rows;
    await sleep(POLL_MS);
  }
}

/** Settings that several faults ask of one cluster. */
function worldOf(faults: readonly Fault[]): Omit<WorldOptions, 'newSwitch'> {
  const wanted = faults.flatMap(({ world }) => world ?? []);
  const env = (kind: 'agent' | 'router' | 'notifier') =>
    Object.assign({}, ...wanted.map((one) => one.env?.[kind] ?? {})) as Record<string, string>;
  return {
    links: [...new Set(wanted.flatMap(({ links }) => links ?? []))],
    tls: wanted.some(({ tls }) => tls),
    env: { agent: env('agent'), router: env('router'), notifier: env('notifier') },
  };
}

/** Runs stages one after the other in one cluster, each the faults that happen at once. A row for each stage. */
export async function runFaults(
  stages: readonly (readonly Fault[])[],
  { rate, timing, log, newSwitch = SimulatedSwitch.create }: RunOptions,
): Promise<Row[]> {
  const world = await World.start({
    newSwitch,
    ...worldOf(stages.flat()),
    ...(log === undefined ? {} : { log }),
  });
  try {
    world.calls.begin(rate);
    const done: Stage[] = [];
    for (const faults of stages) done.push(await runStage(world, faults, timing));
    await world.calls.end();
    return await settle(world, done);
  } finally {
    await world.stop();
  }
}
