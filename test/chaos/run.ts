import { setTimeout as sleep } from 'node:timers/promises';
import type { BrokerOptions } from './brokers.ts';
import { check, type Row } from './checker.ts';
import { ChaosCluster, TIMEOUTS } from './cluster.ts';
import type { ClusterOptions } from './cluster-options.ts';
import type { Allowed, Fault } from './fault.ts';
import { type FaultRun, runFault, type Timing } from './fault-run.ts';
import type { CreateNode } from './node.ts';
import { SimulatedNode } from './simulated-node.ts';

/** Besides the call's two timeouts: the agent's 250 ms for the request to a router, and scheduling on two busy cores. */
const SOCKET_MARGIN_MS = 1_000;
export const SOCKET_LIMIT_MS = TIMEOUTS.connectMs + TIMEOUTS.responseMs + SOCKET_MARGIN_MS;

/**
 * Longer than every timeout that recovers a notification: an expired claim, a stalled worker, a retry delay,
 * ACK_WAIT_MS of the consumers and the default of QUEUE_CHECK_INTERVAL_MS.
 */
const SETTLE_MS = 75_000;
const POLL_MS = 100;

export interface RunOptions {
  readonly rate: number;
  readonly timing: Timing;
  readonly log?: string;
  /** Folder with another version of Dialhook, which half of the services are started from. */
  readonly otherVersion?: string;
  /** Default: simulated nodes. */
  readonly createNode?: CreateNode;
}

const union = (lists: readonly (readonly string[] | undefined)[]): readonly string[] => [
  ...new Set(lists.flatMap((list) => list ?? [])),
];

function allowedOf(faults: readonly Fault[]): Allowed {
  const all = faults.map(({ allowed }) => allowed);
  return {
    repeats: all.some(({ repeats }) => repeats),
    ghosts: all.some(({ ghosts }) => ghosts),
    unobserved: union(all.map(({ unobserved }) => unobserved)),
    crashed: union(all.map(({ crashed }) => crashed)),
    socketMs: Math.max(SOCKET_LIMIT_MS, ...all.map(({ socketMs = 0 }) => socketMs)),
  };
}

/** A call that lasts into later runs may also be affected by what those allow. */
function row(cluster: ChaosCluster, run: FaultRun, runs: readonly FaultRun[]): Row {
  const { arrivals, delays, known } = cluster.endpoint;
  const { faults, from, to, recoveredAfterMs, problem, ownLagMs } = run;
  const calls = cluster.calls.all.filter(({ at }) => at >= from && at < to);
  const end = Math.max(to, ...calls.map(({ endedAt = Number.POSITIVE_INFINITY }) => endedAt));
  const overlapping = runs.filter((one) => one.from >= from && one.from < end);
  const allowed = allowedOf(overlapping.flatMap((one) => one.faults));
  return check({
    fault: faults.map(({ name }) => name).join(' + '),
    allowed,
    calls,
    socketMs: cluster.observer.socketMs,
    socketLimitMs: allowed.socketMs ?? SOCKET_LIMIT_MS,
    ownLagMs,
    arrivals,
    delays,
    timedOut: cluster.timedOut.counts,
    known,
    recoveredAfterMs,
    problem,
  });
}

/** Waits until no notification is missing, or the endpoint has accepted none for SETTLE_MS. */
async function settle(cluster: ChaosCluster, runs: readonly FaultRun[]): Promise<Row[]> {
  let accepted = cluster.endpoint.accepted;
  let since = performance.now();
  for (;;) {
    const rows = runs.map((run) => row(cluster, run, runs));
    const now = performance.now();
    if (cluster.endpoint.accepted !== accepted) since = now;
    accepted = cluster.endpoint.accepted;
    if (rows.every(({ lost }) => lost === 0) || now - since > SETTLE_MS) return rows;
    await sleep(POLL_MS);
  }
}

/** One cluster that fits all faults. */
function clusterOptions(faults: readonly Fault[]): Omit<ClusterOptions, 'createNode'> {
  const wanted = faults.flatMap(({ cluster }) => cluster ?? []);
  const env = (kind: 'agent' | 'router' | 'notifier') =>
    Object.assign({}, ...wanted.map((one) => one.env?.[kind] ?? {})) as Record<string, string>;
  return {
    links: [...new Set(wanted.flatMap(({ links }) => links ?? []))],
    tls: wanted.some(({ tls }) => tls),
    agentHost: wanted.some((one) => one.agentHost),
    brokers: Object.assign({}, ...wanted.map(({ brokers }) => brokers ?? {})) as BrokerOptions,
    env: { agent: env('agent'), router: env('router'), notifier: env('notifier') },
  };
}

/** Runs groups of simultaneous faults one after the other in one cluster. Returns one row for each group. */
export async function runFaults(
  runs: readonly (readonly Fault[])[],
  { rate, timing, log, otherVersion, createNode = SimulatedNode.create }: RunOptions,
): Promise<Row[]> {
  const cluster = await ChaosCluster.start({
    createNode,
    ...clusterOptions(runs.flat()),
    ...(log === undefined ? {} : { log }),
    ...(otherVersion === undefined ? {} : { otherVersion }),
  });
  try {
    cluster.calls.begin(rate);
    const done: FaultRun[] = [];
    for (const faults of runs) done.push(await runFault(cluster, faults, timing));
    await cluster.calls.end();
    return await settle(cluster, done);
  } finally {
    await cluster.stop();
  }
}
