/** Measured on the machine of docs/performance.md: CPU milliseconds for one whole call, and of them its decision. */
export const COST_MS = {
  agent: { call: 1.65, decision: 0.7 },
  nats: { call: 1, decision: 0.28 },
  router: { call: 0.55, decision: 0.4 },
  notifier: { call: 1.1, decision: 0 },
  redis: { call: 0.22, decision: 0 },
} as const;

/** Bytes on the wire for one whole call, as `npm run bench -- --only live` counts them. */
export const WIRE_BYTES = {
  events: 27_000,
  nats: 12_000,
  redis: 6_000,
  socket: 7_400,
  http: 3_700,
} as const;

/** What a process may be busy at most, so that a burst does not queue up. */
export const TARGET_LOAD = 0.6;

/** One process that works off what comes in its order, one after the other. */
export interface Station {
  readonly name: string;
  /** Milliseconds for each piece of work, on average. */
  readonly serviceMs: number;
  /** How many processes share the work, each with a queue of its own. */
  readonly processes: number;
}

/** Mean milliseconds in a station, queue and work, when `perSecond` come at random and take times of random length. */
export function residenceMs({ serviceMs, processes }: Station, perSecond: number): number {
  const load = (perSecond * serviceMs) / 1000 / processes;
  return load < 1 ? serviceMs / (1 - load) : Number.POSITIVE_INFINITY;
}

/** Mean milliseconds of a path through stations, one after the other. */
export const pathMs = (path: readonly Station[], perSecond: number): number =>
  path.reduce((sum, station) => sum + residenceMs(station, perSecond), 0);

/** Processes needed so that each is busy at most `TARGET_LOAD`. */
export const processesFor = (perSecond: number, costMs: number): number =>
  Math.max(1, Math.ceil((perSecond * costMs) / 1000 / TARGET_LOAD));

export interface Prediction {
  readonly perSecond: number;
  readonly processes: Readonly<Record<keyof typeof COST_MS, number>>;
  readonly cores: number;
  /** What Dialhook adds to the endpoint's own time, without the wake-ups and wires between processes. */
  readonly decisionMs: number;
  readonly megabitsPerSecond: Readonly<Record<keyof typeof WIRE_BYTES, number>>;
}

/** The cluster for so many calls a second. */
export function predict(perSecond: number): Prediction {
  const kinds = Object.keys(COST_MS) as (keyof typeof COST_MS)[];
  const processes = Object.fromEntries(
    kinds.map((kind) => [kind, processesFor(perSecond, COST_MS[kind].call)]),
  ) as Prediction['processes'];
  const path = kinds
    .filter((kind) => COST_MS[kind].decision > 0)
    .map((kind) => ({ kind, cost: COST_MS[kind] }));
  // All work of a process waits in the same queue: the decision's share of it waits as long as the rest.
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
