import { mkdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { natsArguments, redisArguments } from '#deploy/local/servers.ts';
import type { Stack } from '#deploy/local/stack.ts';
import { freePort } from '#test/support/ports.ts';
import { startRedisCluster } from '#test/support/servers/redis-cluster.ts';
import { startRedisName } from '#test/support/servers/redis-name.ts';
import { startMonitoredRedis } from '#test/support/servers/redis-sentinel.ts';
import { Supervised } from './supervised.ts';
import type { Certificate } from './tls.ts';

/** Servers as operators run them, instead of one nats-server and one redis-server. */
export interface BrokerOptions {
  /** Three servers; streams have three replicas. */
  readonly nats?: 'cluster';
  /** A primary with one replica and Sentinel, or behind one name whose address changes; or a Redis Cluster of six. */
  readonly redis?: 'sentinel' | 'name' | 'cluster';
}

type Env = Readonly<Record<string, string>>;

export const NATS_NODES = ['nats-1', 'nats-2', 'nats-3'] as const;

/** Settings of services that use a NATS cluster. */
export const REPLICAS: Readonly<Record<string, Env>> = {
  agent: { LIVE_CALLS_REPLICAS: '3', LIMITS_REPLICAS: '3' },
  notifier: { PROGRESS_REPLICAS: '3', TIMELINE_REPLICAS: '3' },
};

export const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const settle = (open: boolean) => {
      socket.destroy();
      resolve(open);
    };
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
  });

/** Starts NATS_NODES with the pings of deploy/nats/nats.conf. @returns their URLs, separated by commas. */
export async function startNatsNodes(
  folder: string,
  supervise: (one: Supervised) => Promise<void>,
): Promise<string> {
  const members: { name: string; port: number; route: number }[] = [];
  for (const name of NATS_NODES) members.push({ name, port: await freePort(), route: await freePort() });
  const routes = members.map(({ route }) => `"nats://127.0.0.1:${route}"`);
  await Promise.all(
    members.map(async ({ name, port, route }) => {
      const file = join(folder, `${name}.conf`);
      const lines = [
        `server_name: "${name}"`,
        `listen: "127.0.0.1:${port}"`,
        `cluster { name: c, listen: "127.0.0.1:${route}", routes: [${routes}] }`,
        `jetstream { store_dir: "${join(folder, name)}" }`,
        'ping_interval: "3s"',
        'ping_max: 2',
      ];
      await writeFile(file, lines.join('\n'));
      await supervise(
        new Supervised({ name, command: 'nats-server', args: ['-c', file], ready: () => accepts(port) }),
      );
    }),
  );
  return members.map(({ port }) => `nats://127.0.0.1:${port}`).join(',');
}

/** Arguments of the single nats-server. */
export const natsServerArguments = (port: number, folder: string, tls: Certificate | undefined): string[] => [
  ...natsArguments(port, folder),
  ...(tls ? ['--tls', '--tlskey', tls.key, '--tlscert', tls.cert] : []),
];

/** Arguments of the single redis-server, which loses nothing that it has acknowledged. Creates its folder. */
export function redisServerArguments(port: number, folder: string, tls: Certificate | undefined): string[] {
  mkdirSync(folder);
  const secure = tls
    ? [
        ...[
          '--port',
          '0',
          '--tls-port',
          String(port),
          '--tls-key-file',
          tls.key,
          '--tls-cert-file',
          tls.cert,
        ],
        ...['--tls-ca-cert-file', tls.cert, '--tls-auth-clients', 'no'],
      ]
    : [];
  return [
    ...[...redisArguments(port, folder), ...secure],
    ...['--appendonly', 'yes', '--appendfsync', 'always'],
  ];
}

export interface RedisService {
  /** Settings of the notifiers. */
  readonly env: Env;
  /** Kills or demotes the primary; another server takes over. */
  failOver(): Promise<void>;
  /** Starts a killed primary again, as its supervisor does; it becomes a replica. */
  restore(): Promise<void>;
}

/** Starts a Redis with a failover and adds its end to the stack. */
export async function startRedisService(
  kind: NonNullable<BrokerOptions['redis']>,
  stack: Stack,
): Promise<RedisService> {
  if (kind === 'name') return startNamedRedis(stack);
  if (kind === 'cluster') {
    const cluster = await startRedisCluster({ replicas: 1 });
    stack.add(() => cluster.stop());
    return {
      env: { REDIS_URL: cluster.url, REDIS_MODE: 'cluster' },
      failOver: () => cluster.killPrimary(),
      restore: () => cluster.startAgain(),
    };
  }
  const redis = await startMonitoredRedis();
  stack.add(async () => redis[Symbol.asyncDispose]());
  return {
    env: { REDIS_URL: redis.url, REDIS_MODE: 'sentinel', REDIS_SENTINEL_NAME: redis.name },
    failOver: async () => redis.killPrimary(),
    restore: () => redis.startPrimaryAgain(),
  };
}

/** A primary and a replica behind one name. A planned failover changes its address; old connections stay open. */
async function startNamedRedis(stack: Stack): Promise<RedisService> {
  const redis = await startRedisName();
  stack.add(async () => redis[Symbol.asyncDispose]());
  return { env: { REDIS_URL: redis.url }, failOver: () => redis.failOver(), restore: async () => {} };
}
