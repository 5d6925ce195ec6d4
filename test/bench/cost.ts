import { setTimeout as sleep } from 'node:timers/promises';
import { type Child, cpuSeconds } from './child.ts';
import { BenchCluster } from './cluster.ts';
import { alternate, type Figure, figureOf } from './figure.ts';
import { type EventName, newCall } from './node.ts';
import type { Options } from './options.ts';
import { perCall, wireBytes } from './wire.ts';

const RATE = 30;
const KINDS = ['agent', 'router', 'notifier', 'console', 'nats', 'redis'] as const;
const TOTAL = 'call';
/** Request, ring, progress, answer, hangup. */
const SERVED_PER_CALL = 5;
const IDLE_MS = 4_000;
const WARM_CALLS = 1_000;
const WARM_RATE = 100;
/** The events of an answered call by their time after the decision, in ms. */
const EVENTS: readonly (readonly [number, readonly EventName[]])[] = [
  [20, ['ring']],
  [50, ['progress']],
  [100, ['answer']],
  [400, ['leg_end', 'hangup']],
];
const env = {
  CONSOLE_PORT: '0',
  CONSOLE_VIEWER_TOKENS: 'bench:0123456789abcdef',
};

/** CPU ms used so far. */
type Used = Readonly<Record<string, number>>;

const usedBy = (cluster: BenchCluster): Used =>
  Object.fromEntries(KINDS.map((kind) => [kind, 1_000 * cpuSeconds(cluster.pids(kind))]));

/** Starts `n` calls at a steady rate, whatever they take, and resolves when all have ended. */
async function atRate(n: number, rate: number, one: () => Promise<void>): Promise<void> {
  const calls: Promise<void>[] = [];
  const started = performance.now();
  while (calls.length < n) {
    const due = Math.min(n, Math.floor(((performance.now() - started) * rate) / 1000) + 1);
    while (calls.length < due) calls.push(one());
    await sleep(1);
  }
  await Promise.all(calls);
}

class Costs {
  readonly #cluster: BenchCluster;
  readonly #floor: Child;
  readonly #floorPort: number;
  #served = 0;

  constructor(cluster: BenchCluster, floor: Child, floorPort: number) {
    this.#cluster = cluster;
    this.#floor = floor;
    this.#floorPort = floorPort;
  }

  /** Answered calls through Dialhook, with their notifications. */
  async calls(n: number, rate: number): Promise<void> {
    const [node] = this.#cluster.nodes;
    await atRate(n, rate, async () => {
      const call = newCall();
      if ((await node?.decide(call)) === undefined) throw new Error('a call failed');
      let at = 0;
      for (const [ms, events] of EVENTS) {
        await sleep(ms - at);
        at = ms;
        node?.emit(call, ...events);
      }
    });
    this.#served += n * SERVED_PER_CALL;
    await this.#cluster.endpoint.until(this.#served);
  }

  /** CPU ms of each process for an answered call, without the share that it uses while idle. */
  async ours(n: number): Promise<Used> {
    const idle = usedBy(this.#cluster);
    await sleep(IDLE_MS);
    const before = usedBy(this.#cluster);
    const started = performance.now();
    await this.calls(n, RATE);
    const tookMs = performance.now() - started;
    const after = usedBy(this.#cluster);
    const each = KINDS.map((kind) => {
      const idleShare = ((before[kind] ?? 0) - (idle[kind] ?? 0)) / IDLE_MS;
      return [kind, ((after[kind] ?? 0) - (before[kind] ?? 0) - idleShare * tookMs) / n] as const;
    });
    return { ...Object.fromEntries(each), [TOTAL]: each.reduce((sum, [, ms]) => sum + ms, 0) };
  }

  /** The same for the floor: decisions only. */
  async floor(n: number): Promise<Used> {
    const before = cpuSeconds([this.#floor.pid]);
    await atRate(n, RATE, async () => {
      const ms = await this.#cluster.nodes[0]?.decide(newCall(), this.#floorPort);
      if (ms === undefined) throw new Error('a call of the floor failed');
    });
    this.#served += n;
    return { [TOTAL]: (1_000 * (cpuSeconds([this.#floor.pid]) - before)) / n };
  }

  async bytes(n: number): Promise<Readonly<Record<string, number>>> {
    const before = await wireBytes(this.#cluster);
    await this.calls(n, RATE);
    return perCall(before, await wireBytes(this.#cluster), n);
  }
}

/** CPU of each process and bytes on each connection for an answered call at a steady rate. */
export async function costOfCalls({ rounds, scale }: Options): Promise<Figure[]> {
  const calls = Math.ceil(300 * scale);
  const cluster = await BenchCluster.start({ env });
  try {
    const floor = cluster.floor();
    await cluster.service('console', 0, env);
    const costs = new Costs(cluster, floor, await floor.request<number>('port'));
    await costs.calls(Math.ceil(WARM_CALLS * scale), WARM_RATE);
    const results = await alternate(
      rounds,
      () => costs.ours(calls),
      () => costs.floor(calls),
    );
    const bytes = await costs.bytes(calls);
    return [
      ...[TOTAL, ...KINDS].map((kind) =>
        figureOf(
          {
            name: `cpu_${kind}`,
            what: `CPU of an answered call at ${RATE} calls/s, compared with the floor's for a decision`,
            unit: 'CPU ms',
          },
          results.map(({ ours, baseline }) => ({
            ours: ours[kind] ?? Number.NaN,
            baseline: baseline[TOTAL] ?? Number.NaN,
          })),
        ),
      ),
      ...Object.entries(bytes).map(([name, ours]) =>
        figureOf(
          {
            name: `wire_${name}`,
            what: `bytes of an answered call, compared with its ${SERVED_PER_CALL} HTTP exchanges`,
            unit: 'bytes',
          },
          [{ ours, baseline: bytes['http'] ?? Number.NaN }],
        ),
      ),
    ];
  } finally {
    await cluster.stop();
  }
}
