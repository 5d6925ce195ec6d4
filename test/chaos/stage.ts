import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from './faults.ts';
import type { World } from './world.ts';

/** One fault as it was: which calls were placed under it, and how long the cluster took to be well again. */
export interface Stage {
  readonly faults: readonly Fault[];
  /** performance.now() of the first and the last call. */
  readonly from: number;
  readonly to: number;
  /** undefined when it did not come back by itself. */
  readonly backAfterMs: number | undefined;
  /** What was not well when we gave up waiting. */
  readonly missing: string | undefined;
  /** The longest time for which this very process, with the switches and the endpoint in it, got no turn. */
  readonly ownLagMs: number;
}

export interface Timing {
  /** Which of a fault's two durations, or another in seconds. */
  readonly seconds: 'whole' | 'short' | number;
  /** Calls before the fault. */
  readonly beforeMs: number;
  /** For how long every call has to be decided again. */
  readonly steadyMs: number;
}

const BACK_WITHIN_MS = 60_000;
const POLL_MS = 100;

const secondsOf = (fault: Fault, { seconds }: Timing): number =>
  typeof seconds === 'number' ? seconds : fault.seconds[seconds === 'whole' ? 0 : 1];

const since = (times: readonly number[], from: number): number => times.filter((time) => time >= from).length;

/** Why the cluster is not well; undefined when all are ready and every call of late was decided. */
async function ailment({ watcher, notReady }: Well, steadyMs: number): Promise<string | undefined> {
  const unready = await notReady();
  if (unready.length > 0) return `not ready: ${unready.join(', ')}`;
  const from = performance.now() - steadyMs;
  const fell = since(watcher.fallbacks, from);
  if (fell > 0) return `${fell} of the last calls were not decided`;
  return since(watcher.returns, from) > 0 ? undefined : 'no call is being decided';
}

interface Well {
  readonly watcher: World['watcher'];
  readonly notReady: () => Promise<string[]>;
}

/** Runs faults, at once when there are several, under the calls being placed, until the cluster is well again. */
export async function runStage(world: World, faults: readonly Fault[], timing: Timing): Promise<Stage> {
  const from = performance.now();
  const lag = monitorEventLoopDelay();
  lag.enable();
  await sleep(timing.beforeMs);
  await Promise.all(faults.map((fault) => fault.strike(world, secondsOf(fault, timing))));
  const over = performance.now();
  const well = { watcher: world.watcher, notReady: () => world.notReady() };
  let missing: string | undefined;
  do {
    await sleep(POLL_MS);
    missing = await ailment(well, timing.steadyMs);
  } while (missing !== undefined && performance.now() - over < BACK_WITHIN_MS);
  const to = performance.now();
  lag.disable();
  const backAfterMs =
    missing === undefined ? Math.max(0, Math.round(to - over - timing.steadyMs)) : undefined;
  return { faults, from, to, backAfterMs, missing, ownLagMs: Math.round(lag.max / 1e6) };
}
