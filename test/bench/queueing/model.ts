/** CPU ms for one complete call, and the share of its decision, measured on the machine of docs/performance.md. */
export const COST_MS = {
  agent: { call: 1.65, decision: 0.7 },
  nats: { call: 1, decision: 0.28 },
  router: { call: 0.55, decision: 0.4 },
  notifier: { call: 1.1, decision: 0 },
  redis: { call: 0.22, decision: 0 },
} as const;

/** Bytes on the wire for one complete call, from `npm run bench -- --only live`. */
export const WIRE_BYTES = {
  events: 27_000,
  nats: 12_000,
  redis: 6_000,
  socket: 7_400,
  http: 3_700,
} as const;

/** Upper bound of a process's load, so that bursts do not queue up. */
export const TARGET_LOAD = 0.6;

/** A stage of the path: a set of processes with one FIFO queue each. */
export interface Station {
  readonly name: string;
  /** Mean service time in ms. */
  readonly serviceMs: number;
  /** Number of processes. */
  readonly processes: number;
}

/** Mean residence time in ms of an M/M/1 queue per process; infinite when overloaded. */
export function residenceMs({ serviceMs, processes }: Station, perSecond: number): number {
  const load = (perSecond * serviceMs) / 1000 / processes;
  return load < 1 ? serviceMs / (1 - load) : Number.POSITIVE_INFINITY;
}

/** Mean ms of a path through the stations. */
export const pathMs = (path: readonly Station[], perSecond: number): number =>
  path.reduce((sum, station) => sum + residenceMs(station, perSecond), 0);

/** Number of processes for a load of at most `TARGET_LOAD` each. */
export const processesFor = (perSecond: number, costMs: number): number =>
  Math.max(1, Math.ceil((perSecond * costMs) / 1000 / TARGET_LOAD));

export interface Prediction {
  readonly perSecond: number;
  readonly processes: Readonly<Record<keyof typeof COST_MS, number>>;
  readonly cores: number;
  /** Overhead on top of the endpoint's time, in ms, without wake-ups and network between processes. */
  readonly decisionMs: number;
  readonly megabitsPerSecond: Readonly<Record<keyof typeof WIRE_BYTES, number>>;
}

/** The cluster needed for `perSecond` calls. */
export function predict(perSecond: number): Prediction {
  const kinds = Object.keys(COST_MS) as (keyof typeof COST_MS)[];
  const processes = Object.fromEntries(
    kinds.map((kind) => [kind, processesFor(perSecond, COST_MS[kind].call)]),
  ) as Prediction['processes'];
  const path = kinds
    .filter((kind) => COST_MS[kind].decision > 0)
    .map((kind) => ({ kind, cost: COST_MS[kind] }));
  // A process has one queue for all work, so a decision waits behind other work too.
  const decisionMs = path.reduce((sum, { kind, cost }) => {
    const load = (perSecond * cost.call) / 1000 / processes[kind];
    return sum + cost.decision / (1 - load);
  }, 0);
  const megabits = Object.entries(WIRE_BYTES).map(([name, bytes]) => [name, (bytes * 8 * perSecond) / 1e6]);
  return {
    perSecond,
    processes,
    cores: kinds.reduce((sum, kind) => sum + (perSecond * COST_MS[kind].call) / 1000, 0),
    decisionMs,
    megabitsPerSecond: Object.fromEntries(megabits) as Prediction['megabitsPerSecond'],
  };
}
