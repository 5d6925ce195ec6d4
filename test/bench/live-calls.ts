import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { cpuSeconds } from './child.ts';
import { BenchCluster } from './cluster.ts';
import { type Figure, figureOf, type Pair } from './figure.ts';
import { closedLoop } from './load.ts';
import { type BenchCall, newCall } from './node.ts';
import { median } from './numbers.ts';
import type { Options } from './options.ts';
import type { Memory } from './probe.ts';
import { perCall, wireBytes } from './wire.ts';

const LEVELS = [100, 1_000, 10_000];
const SERVICES = ['agent', 'router', 'notifier'];
const ALL = [...SERVICES, 'nats', 'redis'];
const IN_FLIGHT = 20;
const FLAT = { atMost: 1.1 };
/** Endpoint requests of one call without its hangup: request, ring, answer. */
const SERVED_PER_CALL = 3;
const SETTLE_MS = 300;

class Calls {
  readonly up: BenchCall[] = [];
  readonly #cluster: BenchCluster;
  #served = 0;

  constructor(cluster: BenchCluster) {
    this.#cluster = cluster;
  }

  /** Makes `n` answered calls and waits until their notifications are delivered. */
  async make(n: number): Promise<BenchCall[]> {
    const [node] = this.#cluster.nodes;
    const made: BenchCall[] = [];
    await closedLoop(n, IN_FLIGHT, async () => {
      const call = newCall();
      const ms = await node?.decide(call);
      node?.emit(call, 'ring', 'answer');
      made.push(call);
      return ms;
    });
    this.#served += n * SERVED_PER_CALL;
    await this.#cluster.endpoint.until(this.#served);
    return made;
  }

  async end(calls: readonly BenchCall[]): Promise<void> {
    for (const call of calls) this.#cluster.nodes[0]?.emit(call, 'hangup');
    this.#served += calls.length;
    await this.#cluster.endpoint.until(this.#served);
  }
}

/** Bytes that each process uses after a garbage collection. */
async function memory(cluster: BenchCluster, redis: Redis): Promise<Record<string, number>> {
  await sleep(SETTLE_MS);
  const used: Record<string, number> = {};
  for (const name of SERVICES)
    used[name] = (await cluster.named(name)[0]?.child.request<Memory>('memory'))?.used ?? 0;
  used['redis'] = Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]);
  return used;
}

/** CPU ms of all processes for one complete call, while `calls.up` are live. */
async function costPerCall(cluster: BenchCluster, calls: Calls, n: number): Promise<number> {
  const pids = cluster.pids(...ALL);
  const before = cpuSeconds(pids);
  await calls.end(await calls.make(n));
  return ((cpuSeconds(pids) - before) * 1000) / n;
}

/** Memory per live call, and CPU per call as the number of live calls grows. */
export async function liveCalls({ rounds, scale }: Options): Promise<Figure[]> {
  const cluster = await BenchCluster.start();
  const redis = new Redis(cluster.servers.redis);
  const levels = LEVELS.map((level) => Math.ceil(level * scale));
  const batch = Math.ceil(300 * scale);
  const figures: Figure[] = [];
  try {
    const calls = new Calls(cluster);
    for (let i = 0; i < 3; i++) await calls.end(await calls.make(batch));

    const before = await wireBytes(cluster);
    await calls.end(await calls.make(batch));
    const http = perCall(before, await wireBytes(cluster), batch)['http'] ?? 1;

    await redis.flushall('SYNC');
    const empty = await memory(cluster, redis);
    const costs = new Map<number, number[]>(levels.map((level) => [level, []]));
    const measure = async (level: number) => {
      for (let i = 0; i < rounds; i++) costs.get(level)?.push(await costPerCall(cluster, calls, batch));
    };
    for (const level of levels) {
      calls.up.push(...(await calls.make(level - calls.up.length)));
      const used = await memory(cluster, redis);
      for (const [name, bytes] of Object.entries(used)) {
        const each = (bytes - (empty[name] ?? 0)) / level;
        figures.push(
          figureOf(
            {
              name: `memory_${name}_${level}`,
              what: 'bytes per live call, compared with its HTTP bytes',
              unit: 'bytes',
            },
            [{ ours: each, baseline: http }],
          ),
        );
      }
      await measure(level);
    }
    // And back down, to tell growth over time from growth with the number of calls.
    for (const level of levels.toReversed()) {
      await calls.end(calls.up.splice(level));
      await measure(level);
    }
    const at = (level: number) => costs.get(level) ?? [];
    const base = median(at(levels[0] ?? 0));
    for (const level of levels.slice(1)) {
      const pairs: Pair[] = at(level).map((ours) => ({ ours, baseline: base }));
      const what = `CPU of all services and servers for one call with ${level} live calls, compared with ${levels[0]}`;
      figures.push(figureOf({ name: `cost_at_${level}`, what, unit: 'CPU ms', goal: FLAT }, pairs));
    }
  } finally {
    redis.disconnect();
    await cluster.stop();
  }
  return figures;
}
