import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { Redis } from 'ioredis';
import { BUS } from '#libs/contract/messages.ts';
import { NATS_NODES } from './brokers.ts';
import type { ChaosCluster } from './cluster.ts';
import type { EndpointFault } from './endpoint.ts';
import type { Link } from './links.ts';
import type { Impairment } from './proxy.ts';
import type { Supervised } from './supervised.ts';

/** How faults are injected. Each action also reverts what no supervisor reverts. */

const READY_MS = 60_000;
const POLL_MS = 100;

export const pause = (seconds: number): Promise<void> => sleep(seconds * 1000);
const between = (low: number, high: number): number => low + Math.random() * (high - low);

async function restarted(one: Supervised, starts: number): Promise<void> {
  await one.untilStartedAgain(starts, READY_MS);
  await one.untilReady(READY_MS);
}

/** Kills the processes in turn, at random moments; each one must be ready again before the next is killed. */
export const killInTurn =
  (...names: string[]) =>
  async (cluster: ChaosCluster, seconds: number): Promise<void> => {
    const end = performance.now() + seconds * 1000;
    for (let i = Math.floor(Math.random() * names.length); ; i++) {
      const one = cluster.process(names[i % names.length] ?? '');
      const { starts } = one;
      await pause(between(0.1, 1));
      one.kill();
      await restarted(one, starts);
      if (performance.now() > end) return;
    }
  };

export const freeze =
  (...names: string[]) =>
  async (cluster: ChaosCluster, seconds: number): Promise<void> => {
    for (const name of names) cluster.process(name).freeze();
    await pause(seconds);
    for (const name of names) cluster.process(name).thaw();
  };

export const stopped =
  (name: string, maxSeconds = Number.POSITIVE_INFINITY) =>
  async (cluster: ChaosCluster, seconds: number): Promise<void> => {
    await cluster.process(name).holdDown();
    await pause(Math.min(seconds, maxSeconds));
    cluster.process(name).release();
  };

export async function freezeAgents(cluster: ChaosCluster, seconds: number): Promise<void> {
  const agents = ['agent-1a', 'agent-1b', 'agent-2'].map((name) => cluster.process(name));
  for (const one of agents) one.watch();
  const end = performance.now() + seconds * 1000;
  for (let i = 0; i === 0 || performance.now() < end - 5_000; i++) {
    const one = agents[i % 2];
    if (!one) return;
    const { starts } = one;
    one.freeze();
    await restarted(one, starts);
  }
  for (const one of agents) one.unwatch();
}

export async function restartInTurn(cluster: ChaosCluster): Promise<void> {
  for (const name of [
    'notifier-1',
    'notifier-2',
    'router-1',
    'router-2',
    'agent-1a',
    'agent-1b',
    'agent-2',
  ]) {
    const one = cluster.process(name);
    const { starts } = one;
    one.terminate();
    await restarted(one, starts);
  }
}

/** Resets the connections of one service after the other. */
export const resetInTurn =
  (link: Link, ...services: string[]) =>
  async (cluster: ChaosCluster, seconds: number): Promise<void> => {
    const end = performance.now() + seconds * 1000;
    for (let i = 0; i < services.length || performance.now() < end; i++) {
      for (const proxy of cluster.proxies(link, services[i % services.length])) proxy.reset();
      await pause(between(0.8, 1.5));
    }
  };

export const impair =
  (link: Link, impairment: Impairment, service?: string) =>
  async (cluster: ChaosCluster, seconds: number): Promise<void> => {
    const proxies = cluster.proxies(link, service);
    for (const proxy of proxies) proxy.impair(impairment);
    await pause(seconds);
    for (const proxy of proxies) proxy.heal();
  };

/** Fills the stream with messages that are not progress events. It stays full, as Redis is frozen. */
export async function fillStream(cluster: ChaosCluster, seconds: number): Promise<void> {
  const redis = cluster.process('redis');
  redis.freeze();
  const nats = await connect({ port: cluster.port('nats'), maxReconnectAttempts: 0 });
  try {
    const stream = jetstream(nats, { timeout: 1_000 });
    for (const bytes of [200_000, 20_000, 1_000]) {
      const filler = new Uint8Array(bytes);
      while (
        await stream.publish(`${BUS.progress}.0.filler`, filler).then(
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

/** Kills the leader of the progress stream again and again; it must be back before the next is killed. */
export async function killStreamLeader(cluster: ChaosCluster, seconds: number): Promise<void> {
  const end = performance.now() + seconds * 1000;
  do {
    const nats = await connect({ servers: cluster.natsUrls.split(',') });
    const { cluster: peers } = await (await jetstreamManager(nats)).streams.info(BUS.stream);
    await nats.close();
    const leader = cluster.process(peers?.leader ?? '');
    const { starts } = leader;
    leader.kill();
    await restarted(leader, starts);
    await untilAllReady(cluster);
  } while (performance.now() < end);
}

/** SIGTERM to one NATS server after the other; all services must be ready before the next. */
export async function restartNatsInTurn(cluster: ChaosCluster): Promise<void> {
  for (const name of NATS_NODES) {
    const one = cluster.process(name);
    const { starts } = one;
    one.terminate();
    await restarted(one, starts);
    await untilAllReady(cluster);
  }
}

async function untilAllReady(cluster: ChaosCluster): Promise<void> {
  for (const end = Date.now() + READY_MS; (await cluster.notReady()).length > 0; await sleep(POLL_MS))
    if (Date.now() > end) throw new Error(`not ready: ${(await cluster.notReady()).join(', ')}`);
}

export async function failOverRedis(cluster: ChaosCluster, seconds: number): Promise<void> {
  await cluster.redis.failOver();
  await pause(seconds);
  await cluster.redis.restore();
}

export async function fillRedis(cluster: ChaosCluster, seconds: number): Promise<void> {
  const redis = new Redis({ port: cluster.port('redis'), host: '127.0.0.1' });
  try {
    await redis.config('SET', 'maxmemory-policy', 'noeviction', 'maxmemory', '1mb');
    await pause(seconds);
    await redis.config('SET', 'maxmemory', '0');
  } finally {
    redis.disconnect();
  }
}

export const endpointFault =
  (fault: EndpointFault) =>
  async (cluster: ChaosCluster, seconds: number): Promise<void> => {
    cluster.endpoint.fault = fault;
    await pause(seconds);
    cluster.endpoint.fault = {};
  };

/** Environment that shifts a service's wall clock by `hours`; its timers are not affected. */
export const clockSkew = (hours: number) => ({
  NODE_OPTIONS: `--import=${fileURLToPath(new URL('clock-skew.mjs', import.meta.url))}`,
  CHAOS_SKEW_MS: String(hours * 3_600_000),
});
