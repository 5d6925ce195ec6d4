import { setTimeout as sleep } from 'node:timers/promises';
import { type Child, cpuSeconds } from './child.ts';
import { BenchCluster } from './cluster.ts';
import { type Figure, figureOf, inTurn } from './figure.ts';
import { type EventName, newCall } from './node.ts';
import { quantile } from './numbers.ts';
import type { Options } from './options.ts';
import { perCall, wireBytes } from './wire.ts';

const RATE = 30;
const KINDS = ['agent', 'router', 'notifier', 'console', 'nats', 'redis'] as const;
const TOTAL = 'call';
const LATENCY = 'latency';
/** The nodes of the cluster: with routers, and with the router in the agent. */
const SEPARATE = 0;
const EMBEDDED = 1;
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

/** CPU ms by process, and the median of the decisions in ms. */
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

  /** Answered calls of a node through Dialhook, with their notifications. Returns the ms of each decision. */
  async calls(n: number, rate: number, which: number): Promise<number[]> {
    const node = this.#cluster.nodes[which];
    const decided: number[] = [];
    await atRate(n, rate, async () => {
      const call = newCall();
      const ms = await node?.decide(call);
      if (ms === undefined) throw new Error('a call failed');
      decided.push(ms);
      let at = 0;
      for (const [ms, events] of EVENTS) {
        await sleep(ms - at);
        at = ms;
        node?.emit(call, ...events);
      }
    });
    this.#served += n * SERVED_PER_CALL;
    await this.#cluster.endpoint.until(this.#served);
    return decided;
  }

  /** CPU ms of each process for an answered call, without the share that it uses while idle. */
  async ours(n: number, which: number): Promise<Used> {
    const idle = usedBy(this.#cluster);
    await sleep(IDLE_MS);
    const before = usedBy(this.#cluster);
    const started = performance.now();
    const decided = await this.calls(n, RATE, which);
    const tookMs = performance.now() - started;
    const after = usedBy(this.#cluster);
    const each = KINDS.map((kind) => {
      const idleShare = ((before[kind] ?? 0) - (idle[kind] ?? 0)) / IDLE_MS;
      return [kind, ((after[kind] ?? 0) - (before[kind] ?? 0) - idleShare * tookMs) / n] as const;
    });
    const total = each.reduce((sum, [, ms]) => sum + ms, 0);
    return { ...Object.fromEntries(each), [TOTAL]: total, [LATENCY]: quantile(decided, 0.5) };
  }

  /** The same for the floor: decisions only. */
  async floor(n: number): Promise<Used> {
    const before = cpuSeconds([this.#floor.pid]);
    const decided: number[] = [];
    await atRate(n, RATE, async () => {
      const ms = await this.#cluster.nodes[0]?.decide(newCall(), this.#floorPort);
      if (ms === undefined) throw new Error('a call of the floor failed');
      decided.push(ms);
    });
    this.#served += n;
    return {
      [TOTAL]: (1_000 * (cpuSeconds([this.#floor.pid]) - before)) / n,
      [LATENCY]: quantile(decided, 0.5),
    };
  }

  async bytes(n: number): Promise<Readonly<Record<string, number>>> {
    const before = await wireBytes(this.#cluster);
    await this.calls(n, RATE, SEPARATE);
    return perCall(before, await wireBytes(this.#cluster), n);
  }
}

/** CPU of each process and bytes on each connection for an answered call at a steady rate. */
export async function costOfCalls({ rounds, scale }: Options): Promise<Figure[]> {
  const calls = Math.ceil(300 * scale);
  const cluster = await BenchCluster.start({ env });
  try {
    const floor = cluster.floor();
    await cluster.node(EMBEDDED, undefined, { ...env, EMBEDDED_ROUTER: 'on' });
    await cluster.service('console', 0, env);
    const costs = new Costs(cluster, floor, await floor.request<number>('port'));
    for (const node of [SEPARATE, EMBEDDED])
      await costs.calls(Math.ceil(WARM_CALLS * scale), WARM_RATE, node);
    const results = await inTurn(rounds, {
      separate: () => costs.ours(calls, SEPARATE),
      embedded: () => costs.ours(calls, EMBEDDED),
      floor: () => costs.floor(calls),
    });
    const bytes = await costs.bytes(calls);
    const pairs = (
      ours: keyof (typeof results)[0],
      baseline: keyof (typeof results)[0],
      kind: string,
      of = kind,
    ) =>
      results.map((one) => ({
        ours: one[ours][kind] ?? Number.NaN,
        baseline: one[baseline][of] ?? Number.NaN,
      }));
    const cpu = { unit: 'CPU ms' };
    const latency = { unit: 'ms p50' };
    const at = `at ${RATE} calls/s`;
    return [
      ...[TOTAL, ...KINDS].map((kind) =>
        figureOf(
          {
            name: `cpu_${kind}`,
            what: `CPU of an answered call ${at}, compared with the floor's for a decision`,
            ...cpu,
          },
          pairs('separate', 'floor', kind, TOTAL),
        ),
      ),
      ...[TOTAL, ...KINDS].map((kind) =>
        figureOf(
          {
            name: `cpu_embedded_${kind}`,
            what: `CPU of an answered call ${at} with an embedded router, compared with routers`,
            ...cpu,
          },
          pairs('embedded', 'separate', kind),
        ),
      ),
      figureOf(
        { name: LATENCY, what: `time of a decision ${at}, compared with the floor`, ...latency },
        pairs('separate', 'floor', LATENCY),
      ),
      figureOf(
        {
          name: `${LATENCY}_embedded`,
          what: `time of a decision ${at} with an embedded router, compared with the floor`,
          ...latency,
        },
        pairs('embedded', 'floor', LATENCY),
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
