import type { Socket } from 'node:net';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { type Backoff, backoffMs } from '#libs/backoff/backoff.ts';
import { splitUrls } from '#libs/config/server-urls.ts';
import type { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import type { Log } from '#libs/telemetry/log.ts';
import { type RedisConfig, tlsOf } from './settings.ts';
import { guardRedisSockets } from './socket-errors.ts';

guardRedisSockets();

/** One server, the primary that Sentinel names, or a cluster. */
export type RedisClient = Redis | Cluster;

export const isCluster = (redis: RedisClient): redis is Cluster => redis.isCluster;

type Options = Omit<RedisOptions, 'replyMapping'>;

const RECONNECT: Backoff = { firstMs: 100, maxMs: 1_000 };
const KEEP_ALIVE_MS = 10_000;
const CONNECT_TIMEOUT_MS = 5_000;
const COMMAND_TIMEOUT_MS = 10_000;
/**
 * A connection on which commands wait and nothing arrives for this long is replaced, and they are sent again. BullMQ
 * blocks for 10 s at most. TCP keepalive does not help when the peer acknowledges but its TLS waits for the rest of a
 * record whose length was corrupted.
 */
const SOCKET_TIMEOUT_MS = 30_000;
const SENTINEL_PORT = 26_379;

/** Errors of a server that is now a replica, or is starting. The host name may lead to another server by now. */
const NOT_PRIMARY = /\b(READONLY|LOADING|MASTERDOWN|UNBLOCKED|CLUSTERDOWN)\b/;

/** A refusal in words, with the remedy when REDIS_MODE does not fit the server. */
export function refusalText({ message }: Error): string {
  if (/^(MOVED|CROSSSLOT|ASK)\b/.test(message))
    return `${message} (this is a Redis Cluster: set REDIS_MODE=cluster)`;
  if (/unknown command/.test(message)) return `${message} (no Redis server, or a Sentinel: see REDIS_MODE)`;
  return message;
}

const reconnectDelayMs = (times: number): number => backoffMs(RECONNECT, times);

const addressOf = (url: URL, port: number) => ({
  host: url.hostname.replace(/^\[|\]$/g, ''),
  port: Number(url.port || port),
});

/** Options of every connection: user, password, database, TLS. */
function accessOf(config: RedisConfig, url: URL): Options {
  const database = Number(url.pathname.slice(1) || 0);
  const username = config.REDIS_USER ?? decodeURIComponent(url.username);
  const password = config.REDIS_PASSWORD ?? decodeURIComponent(url.password);
  return {
    ...(username === '' ? {} : { username }),
    ...(password === '' ? {} : { password }),
    ...(url.protocol === 'unix:' || database === 0 ? {} : { db: database }),
    ...(url.protocol === 'rediss:' ? { tls: tlsOf(config) } : {}),
  };
}

function openRedis(config: RedisConfig, given: Options): RedisClient {
  const urls = splitUrls(config.REDIS_URL);
  const [first = new URL('redis://127.0.0.1')] = urls;
  const options: Options = {
    keepAlive: KEEP_ALIVE_MS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SOCKET_TIMEOUT_MS,
    ...accessOf(config, first),
    ...given,
  };
  if (config.REDIS_MODE === 'cluster') {
    // Cluster follows MOVED and CLUSTERDOWN by itself, to other nodes.
    const { lazyConnect = false, retryStrategy, reconnectOnError: _, ...redisOptions } = options;
    return new Cluster(
      urls.map((url) => addressOf(url, 6_379)),
      { redisOptions, lazyConnect, clusterRetryStrategy: (times) => retryStrategy?.(times) ?? null },
    );
  }
  if (config.REDIS_MODE === 'sentinel')
    return new Redis({
      ...options,
      sentinels: urls.map((url) => addressOf(url, SENTINEL_PORT)),
      name: config.REDIS_SENTINEL_NAME ?? '',
      sentinelRetryStrategy: (times) => options.retryStrategy?.(times) ?? null,
      failoverDetector: true,
      ...(config.REDIS_SENTINEL_PASSWORD === undefined
        ? {}
        : { sentinelPassword: config.REDIS_SENTINEL_PASSWORD }),
      ...(options.tls === undefined ? {} : { enableTLSForSentinelMode: true, sentinelTLS: options.tls }),
    });
  if (first.protocol === 'unix:') return new Redis(decodeURI(first.pathname), options);
  return new Redis({ ...options, ...addressOf(first, 6_379) });
}

/**
 * Combines all writes of one turn of the event loop, in order. Many calls are delivered at once, and one system call
 * for each command is a tenth of the CPU time of the notifier.
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

function gatherWritesOf(redis: RedisClient): void {
  if (isCluster(redis)) redis.on('+node', (node: Redis) => gatherWritesOf(node));
  else redis.on('connect', () => gatherWrites(redis.stream as Socket));
}

/** Connects to Redis, retrying without limit, and closes the connection when the service stops. */
export function connectRedis(config: RedisConfig, lifecycle: Lifecycle, log: Log): RedisClient {
  let refused = false;
  const redis = openRedis(config, {
    connectionName: 'dialhook-notifier',
    // Required by BullMQ. While Redis is disconnected commands wait in order instead of failing.
    maxRetriesPerRequest: null,
    retryStrategy: (times) => {
      const again = refused ? RECONNECT.maxMs : reconnectDelayMs(times);
      refused = false;
      return again;
    },
    reconnectOnError: ({ message }) => {
      if (!NOT_PRIMARY.test(message)) return false;
      refused = true;
      log.debug('redis.error', { error: message });
      return 2;
    },
  });
  gatherWritesOf(redis);
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
  // With Sentinel, a disconnect during a connection attempt ends the client for good.
  redis.on('end', () => {
    if (lifecycle.stopping) return;
    setTimeout(() => {
      if (!lifecycle.stopping && redis.status === 'end')
        redis.connect().catch((err: unknown) => log.debug('redis.error', { err }));
    }, RECONNECT.maxMs).unref();
  });
  // ioredis reports each failed attempt; the handlers above log each change once.
  redis.on('error', (error) => {
    why = error;
    log.debug('redis.error', { err: error });
  });
  lifecycle.check('redis', () => (redis.status === 'ready' ? undefined : 'not connected'));
  lifecycle.onStop('redis', () => redis.disconnect());
  return redis;
}

/** Connects to Redis for the duration of `work`. @throws when Redis is unreachable or does not answer for 10 s. */
export async function withRedis<T>(
  config: RedisConfig,
  work: (redis: RedisClient) => Promise<T>,
): Promise<T> {
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
