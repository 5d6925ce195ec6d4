import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { cpuSeconds } from './child.ts';
import { type Figure, figureOf, type Pair } from './figure.ts';
import { closedLoop } from './load.ts';
import { median } from './numbers.ts';
import type { Options } from './options.ts';
import type { Memory, Wire } from './probe.ts';
import { type BenchCall, newCall } from './switch.ts';
import { World } from './world.ts';

const LEVELS = [100, 1_000, 10_000];
const SERVICES = ['agent', 'router', 'notifier'];
const ALL = [...SERVICES, 'nats', 'redis'];
const IN_FLIGHT = 20;
const FLAT = { atMost: 1.1 };
/** What comes of a call: a request, a ring, an answer; and its hangup. */
const SERVED_UP = 3;
const SETTLE_MS = 300;

class Calls {
  readonly up: BenchCall[] = [];
  readonly #world: World;
  #served = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** Makes so many more calls, all answered, and waits until the endpoint has been told of all. */
  async make(n: number): Promise<BenchCall[]> {
    const [node] = this.#world.switches;
    const made: BenchCall[] = [];
    await closedLoop(n, IN_FLIGHT, async () => {
      const call = newCall();
      const ms = await node?.decide(call);
      node?.tell(call, 'ring', 'answer');
      made.push(call);
      return ms;
    });
    this.#served += n * SERVED_UP;
    await this.#world.endpoint.until(this.#served);
    return made;
  }

  async end(calls: readonly BenchCall[]): Promise<void> {
    for (const call of calls) this.#world.switches[0]?.tell(call, 'hangup');
    this.#served += calls.length;
    await this.#world.endpoint.until(this.#served);
  }
}

/** Bytes that each process holds, after a garbage collection. */
async function memory(world: World, redis: Redis): Promise<Record<string, number>> {
  await sleep(SETTLE_MS);
  const used: Record<string, number> = {};
  for (const name of SERVICES)
    used[name] = (await world.named(name)[0]?.child.ask<Memory>('memory'))?.used ?? 0;
  used['redis'] = Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]);
  return used;
}

/** CPU milliseconds of all processes for one whole call, while so many others are up. */
async function costPerCall(world: World, calls: Calls, n: number): Promise<number> {
  const pids = world.pids(...ALL);
  const before = cpuSeconds(pids);
  await calls.end(await calls.make(n));
  return ((cpuSeconds(pids) - before) * 1000) / n;
}

/** Bytes for each call between the processes, both directions, by the port on the other side. */
async function wireBytes(world: World): Promise<Record<string, number>> {
  const ports: Readonly<Record<string, string>> = {
    [new URL(world.servers.nats).port]: 'nats',
    [new URL(world.servers.redis).port]: 'redis',
    [String(world.endpoint.port)]: 'http',
    [String(world.switches[0]?.eventPort)]: 'events',
    accepted: 'socket',
  };
  const sums: Record<string, number> = {};
  for (const { child } of world.services) {
    const wire = await child.ask<Wire>('wire');
    for (const [port, { sent, received }] of Object.entries(wire)) {
      const name = ports[port];
      if (name !== undefined && (name !== 'socket' || child.name.startsWith('agent')))
        sums[name] = (sums[name] ?? 0) + sent + received;
    }
  }
  return sums;
}

/** Memory for each live call, the cost of a call as live calls grow, and the bytes on the wire for each call. */
export async function liveCalls({ rounds, scale }: Options): Promise<Figure[]> {
  const world = await World.start();
  const redis = new Redis(world.servers.redis);
  const levels = LEVELS.map((level) => Math.ceil(level * scale));
  const batch = Math.ceil(300 * scale);
  const figures: Figure[] = [];
  try {
    const calls = new Calls(world);
    for (let i = 0; i < 3; i++) await calls.end(await calls.make(batch));

    const wireBefore = await wireBytes(world);
    await calls.end(await calls.make(batch));
    const wire = await wireBytes(world);
    const perCall = Object.fromEntries(
      Object.entries(wire).map(([name, bytes]) => [name, (bytes - (wireBefore[name] ?? 0)) / batch]),
    );
    const http = perCall['http'] ?? 1;
    for (const [name, bytes] of Object.entries(perCall))
      figures.push(
        figureOf(
          {
            name: `wire_${name}`,
            what: 'bytes for each call, beside its four HTTP exchanges',
            unit: 'bytes',
          },
          [{ ours: bytes, bare: http }],
        ),
      );

    await redis.flushall('SYNC');
    const empty = await memory(world, redis);
    const costs = new Map<number, number[]>(levels.map((level) => [level, []]));
    const measure = async (level: number) => {
      for (let i = 0; i < rounds; i++) costs.get(level)?.push(await costPerCall(world, calls, batch));
    };
    for (const level of levels) {
      calls.up.push(...(await calls.make(level - calls.up.length)));
      const used = await memory(world, redis);
      for (const [name, bytes] of Object.entries(used)) {
        const each = (bytes - (empty[name] ?? 0)) / level;
        figures.push(
          figureOf(
            {
              name: `memory_${name}_${level}`,
              what: 'bytes for each live call, beside its HTTP bytes',
              unit: 'bytes',
            },
            [{ ours: each, bare: http }],
          ),
        );
      }
      await measure(level);
    }
    // And back, so that what grows with time is not taken for what grows with the calls.
    for (const level of levels.toReversed()) {
      await calls.end(calls.up.splice(level));
      await measure(level);
    }
    const at = (level: number) => costs.get(level) ?? [];
    const base = median(at(levels[0] ?? 0));
    for (const level of levels.slice(1)) {
      const pairs: Pair[] = at(level).map((ours) => ({ ours, bare: base }));
      const what = `CPU of all services and servers for one call with ${level} others up, beside ${levels[0]}`;
      figures.push(figureOf({ name: `cost_at_${level}`, what, unit: 'CPU ms', goal: FLAT }, pairs));
    }
  } finally {
    redis.disconnect();
    await world.stop();
  }
  return figures;
}
