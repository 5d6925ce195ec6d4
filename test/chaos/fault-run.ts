import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChaosCluster } from './cluster.ts';
import type { Fault } from './fault.ts';

/** One run of simultaneous faults: which calls were placed during it, and how long the cluster took to recover. */
export interface FaultRun {
  readonly faults: readonly Fault[];
  /** performance.now() at the start and the end. */
  readonly from: number;
  readonly to: number;
  /** In ms from the end of the faults; undefined when the cluster did not recover within 60 s. */
  readonly recoveredAfterMs: number | undefined;
  /** What had not recovered after 60 s. */
  readonly problem: string | undefined;
  /** Longest delay of this process's event loop. The nodes, if simulated, and the endpoint run in it. */
  readonly ownLagMs: number;
}

export interface Timing {
  /** The fault's long or short duration, or a number of seconds. */
  readonly seconds: 'long' | 'short' | number;
  /** How long calls are placed before the fault. */
  readonly beforeMs: number;
  /** The cluster has recovered when every call has been decided for so long. */
  readonly steadyMs: number;
}

const RECOVER_WITHIN_MS = 60_000;
const POLL_MS = 100;

const durationOf = (fault: Fault, { seconds }: Timing): number =>
  typeof seconds === 'number' ? seconds : fault.seconds[seconds === 'long' ? 0 : 1];

const since = (times: readonly number[], from: number): number => times.filter((time) => time >= from).length;

/** Why the cluster has not recovered; undefined when every service is ready and all recent calls were decided. */
async function findProblem(cluster: ChaosCluster, steadyMs: number): Promise<string | undefined> {
  const unready = await cluster.notReady();
  if (unready.length > 0) return `not ready: ${unready.join(', ')}`;
  const from = performance.now() - steadyMs;
  const undecided = since(cluster.observer.fallbacks, from);
  if (undecided > 0) return `${undecided} of the recent calls were not decided`;
  return since(cluster.observer.returns, from) > 0 ? undefined : 'no call is being decided';
}

/** Injects the faults, all at the same time, while calls are placed, and waits until the cluster has recovered. */
export async function runFault(
  cluster: ChaosCluster,
  faults: readonly Fault[],
  timing: Timing,
): Promise<FaultRun> {
  const from = performance.now();
  const lag = monitorEventLoopDelay();
  lag.enable();
  await sleep(timing.beforeMs);
  await Promise.all(faults.map((fault) => fault.inject(cluster, durationOf(fault, timing))));
  const ended = performance.now();
  let problem: string | undefined;
  do {
    await sleep(POLL_MS);
    problem = await findProblem(cluster, timing.steadyMs);
  } while (problem !== undefined && performance.now() - ended < RECOVER_WITHIN_MS);
  const to = performance.now();
  lag.disable();
  const recoveredAfterMs =
    problem === undefined ? Math.max(0, Math.round(to - ended - timing.steadyMs)) : undefined;
  return { faults, from, to, recoveredAfterMs, problem, ownLagMs: Math.round(lag.max / 1e6) };
}
