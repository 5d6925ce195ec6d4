import type { Socket } from 'node:net';
import { Redis, type RedisOptions } from 'ioredis';
import type { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import type { Log } from '#libs/telemetry/log.ts';
import { type RedisConfig, tlsOf } from './settings.ts';

const RECONNECT_FIRST_MS = 50;
const RECONNECT_MAX_MS = 1_000;
const KEEP_ALIVE_MS = 10_000;
const CONNECT_TIMEOUT_MS = 5_000;
const COMMAND_TIMEOUT_MS = 10_000;

const openRedis = (config: RedisConfig, options: Omit<RedisOptions, 'replyMapping'>): Redis => {
  const url = config.REDIS_URL;
  const { protocol, pathname } = new URL(url);
  const all = { keepAlive: KEEP_ALIVE_MS, connectTimeout: CONNECT_TIMEOUT_MS, ...options };
  if (protocol === 'unix:') return new Redis(decodeURI(pathname), all);
  if (protocol !== 'rediss:') return new Redis(url, all);
  // As redis:, or ioredis would put its own idea of TLS in the place of this one.
  return new Redis(url.replace(/^rediss:/, 'redis:'), { ...all, tls: tlsOf(config) });
};

/**
 * Sends what is written in one turn of the event loop in one piece, in its order: many calls are delivered at once, and
 * a system call for each command of each is a tenth of the notifier's time.
 */
function gatherWrites(socket: Socket): void {
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  let gathering = false;
  const gathered = (...args: unknown[]): boolean => {
    if (!gathering) {
      gathering = true;
      socket.cork();
      setImmediate(() => {
        gathering = false;
        socket.uncork();
      });
    }
    return write(...args);
  };
  socket.write = gathered as Socket['write'];
}

/** Connects to Redis, waiting for as long as it takes, and ties the connection to the service's life. */
export function connectRedis(config: RedisConfig, lifecycle: Lifecycle, log: Log): Redis {
  const redis = openRedis(config, {
    connectionName: 'dialhook-notifier',
    // BullMQ's condition, and ours: while Redis is away commands wait, in order, instead of failing.
    maxRetriesPerRequest: null,
    retryStrategy: (times) => Math.min(RECONNECT_FIRST_MS * 2 ** Math.min(times, 8), RECONNECT_MAX_MS),
  });
  redis.on('connect', () => gatherWrites(redis.stream as Socket));
  let connected: boolean | undefined;
  let why: Error | undefined;
  redis.on('ready', () => {
    if (connected === false) log.info('redis.connected');
    connected = true;
    why = undefined;
  });
  redis.on('close', () => {
    if (connected !== false && !lifecycle.stopping) log.warn('redis.connection_lost', { err: why });
    connected = false;
  });
  // ioredis reports each failed attempt; the two lines above say it once.
  redis.on('error', (error) => {
    why = error;
    log.debug('redis.error', { err: error });
  });
  lifecycle.check('redis', () => (redis.status === 'ready' ? undefined : 'not connected'));
  lifecycle.onStop('redis', () => redis.disconnect());
  return redis;
}

/** Connects to Redis for one piece of work. @throws when Redis is not there at once, or does not answer for 10 s. */
export async function withRedis<T>(config: RedisConfig, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = openRedis(config, {
    connectionName: 'dialhook-cli',
    lazyConnect: true,
    maxRetriesPerRequest: null,
    retryStrategy: () => null,
    commandTimeout: COMMAND_TIMEOUT_MS,
  });
  let cause: Error | undefined;
  redis.on('error', (error) => {
    cause = error;
  });
  try {
    await redis.connect().catch((error: unknown) => {
      throw new Error(`Redis cannot be reached: ${(cause ?? (error as Error)).message}`, { cause: error });
    });
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}

export type Script = (keys: readonly string[], args: readonly (string | number)[]) => Promise<unknown>;

/** A Lua script, sent once and called by its hash from then on. */
export function defineScript(redis: Redis, name: string, lua: string): Script {
  redis.defineCommand(name, { lua });
  const command = Reflect.get(redis, name) as (...args: (string | number)[]) => Promise<unknown>;
  return (keys, args) => command.call(redis, keys.length, ...keys, ...args);
}
