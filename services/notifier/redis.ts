import { Redis, type RedisOptions } from 'ioredis';
import type { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import type { Log } from '#libs/telemetry/log.ts';

const RECONNECT_FIRST_MS = 50;
const RECONNECT_MAX_MS = 1_000;
const KEEP_ALIVE_MS = 10_000;
const CONNECT_TIMEOUT_MS = 5_000;

const OPTIONS = {
  connectionName: 'dialhook-notifier',
  // BullMQ's condition, and ours: while Redis is away commands wait, in order, instead of failing.
  maxRetriesPerRequest: null,
  retryStrategy: (times: number) => Math.min(RECONNECT_FIRST_MS * 2 ** Math.min(times, 8), RECONNECT_MAX_MS),
  keepAlive: KEEP_ALIVE_MS,
  connectTimeout: CONNECT_TIMEOUT_MS,
} satisfies RedisOptions;

/** Connects to Redis, waiting for as long as it takes, and ties the connection to the service's life. */
export function connectRedis(url: string, lifecycle: Lifecycle, log: Log): Redis {
  const { protocol, pathname } = new URL(url);
  const redis = protocol === 'unix:' ? new Redis(decodeURI(pathname), OPTIONS) : new Redis(url, OPTIONS);
  let connected: boolean | undefined;
  redis.on('ready', () => {
    if (connected === false) log.info('redis: connected again');
    connected = true;
  });
  redis.on('close', () => {
    if (connected !== false && !lifecycle.stopping) log.warn('redis: not connected');
    connected = false;
  });
  // ioredis reports each failed attempt; the two lines above say it once.
  redis.on('error', (error) => log.debug({ err: error }, 'redis'));
  lifecycle.check('redis', () => (redis.status === 'ready' ? undefined : 'not connected'));
  lifecycle.onStop('redis', () => redis.disconnect());
  return redis;
}

export type Script = (keys: readonly string[], args: readonly (string | number)[]) => Promise<unknown>;

/** A Lua script, sent once and called by its hash from then on. */
export function defineScript(redis: Redis, name: string, lua: string): Script {
  redis.defineCommand(name, { lua });
  const command = Reflect.get(redis, name) as (...args: (string | number)[]) => Promise<unknown>;
  return (keys, args) => command.call(redis, keys.length, ...keys, ...args);
}
