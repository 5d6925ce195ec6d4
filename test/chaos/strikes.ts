import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { jetstream } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { Redis } from 'ioredis';
import { BUS } from '#libs/contract/messages.ts';
import type { Trouble } from './proxy.ts';
import type { Supervised } from './supervised.ts';
import type { Link, World } from './world.ts';

/** What faults do to a cluster. Each undoes what nobody else undoes. */

const READY_MS = 60_000;

export const pause = (seconds: number): Promise<void> => sleep(seconds * 1000);
const between = (low: number, high: number): number => low + Math.random() * (high - low);

async function back(one: Supervised, starts: number): Promise<void> {
  await one.untilStartedAgain(starts, READY_MS);
  await one.untilReady(READY_MS);
}

/** Kills one of these after the other, at random moments, each when all are there again. */
export const killInTurn =
  (...names: string[]) =>
  async (world: World, seconds: number): Promise<void> => {
    const over = performance.now() + seconds * 1000;
    for (let i = Math.floor(Math.random() * names.length); ; i++) {
      const one = world.process(names[i % names.length] ?? '');
      const { starts } = one;
      await pause(between(0.1, 1));
      one.kill();
      await back(one, starts);
      if (performance.now() > over) return;
    }
  };

export const freeze =
  (...names: string[]) =>
  async (world: World, seconds: number): Promise<void> => {
    for (const name of names) world.process(name).freeze();
    await pause(seconds);
    for (const name of names) world.process(name).thaw();
  };

export const away =
  (name: string, atMost = Number.POSITIVE_INFINITY) =>
  async (world: World, seconds: number): Promise<void> => {
    await world.process(name).holdDown();
    await pause(Math.min(seconds, atMost));
    world.process(name).release();
  };

export async function freezeAgents(world: World, seconds: number): Promise<void> {
  const agents = ['agent-1a', 'agent-1b', 'agent-2'].map((name) => world.process(name));
  for (const one of agents) one.watch();
  const over = performance.now() + seconds * 1000;
  for (let i = 0; i === 0 || performance.now() < over - 5_000; i++) {
    const one = agents[i % 2];
    if (!one) return;
    const { starts } = one;
    one.freeze();
    await back(one, starts);
  }
  for (const one of agents) one.unwatch();
}

export async function restartInTurn(world: World): Promise<void> {
  for (const name of [
    'notifier-1',
    'notifier-2',
    'router-1',
    'router-2',
    'agent-1a',
    'agent-1b',
    'agent-2',
  ]) {
    const one = world.process(name);
    const { starts } = one;
    one.terminate();
    await back(one, starts);
  }
}

/** Resets the connections of these services, one service after the other. */
export const reset =
  (link: Link, ...services: string[]) =>
  async (world: World, seconds: number): Promise<void> => {
    const over = performance.now() + seconds * 1000;
    for (let i = 0; i < services.length || performance.now() < over; i++) {
      for (const proxy of world.proxies(link, services[i % services.length])) proxy.reset();
      await pause(between(0.8, 1.5));
    }
  };

export const trouble =
  (link: Link, what: Trouble, service?: string) =>
  async (world: World, seconds: number): Promise<void> => {
    const proxies = world.proxies(link, service);
    for (const proxy of proxies) proxy.trouble(what);
    await pause(seconds);
    for (const proxy of proxies) proxy.heal();
  };

/** Fills what is left of the stream with messages that are not progress, and keeps it full. */
export async function fillStream(world: World, seconds: number): Promise<void> {
  const redis = world.process('redis');
  redis.freeze();
  const nats = await connect({ port: world.port('nats'), maxReconnectAttempts: 0 });
  try {
    const stream = jetstream(nats, { timeout: 1_000 });
    for (const bytes of [200_000, 20_000, 1_000]) {
      const filler = new Uint8Array(bytes);
      while (
        await stream.publish(`${BUS.progress}.filler`, filler).then(
          () => true,
          () => false,
        )
      );
    }
    await pause(seconds);
  } finally {
    redis.thaw();
    await nats.close();
  }
}

export async function fillRedis(world: World, seconds: number): Promise<void> {
  const redis = new Redis({ port: world.port('redis'), host: '127.0.0.1' });
  try {
    await redis.config('SET', 'maxmemory-policy', 'noeviction', 'maxmemory', '1mb');
    await pause(seconds);
    await redis.config('SET', 'maxmemory', '0');
  } finally {
    redis.disconnect();
  }
}

export const mood =
  (how: World['endpoint']['mood']) =>
  async (world: World, seconds: number): Promise<void> => {
    world.endpoint.mood = how;
    await pause(seconds);
    world.endpoint.mood = {};
  };

export const skewed = (hours: number) => ({
  NODE_OPTIONS: `--import=${fileURLToPath(new URL('skew.mjs', import.meta.url))}`,
  CHAOS_SKEW_MS: String(hours * 3_600_000),
});
