import type { Socket } from 'node:net';
import type { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { connectRedis } from '#libs/queue/redis.ts';
import { readNotifierConfig } from '#services/notifier/config.ts';
import { WireProxy } from '#test/chaos/proxy.ts';
import { quietLog } from '#test/support/log.ts';
import { startSecureRedis } from '#test/support/servers/secure-redis.ts';
import { until } from '#test/support/until.ts';

/** One for commands, and one as BullMQ creates it for commands that block. */
const CLIENTS: Readonly<Record<string, (redis: Redis) => Redis>> = {
  'the client': (redis) => redis,
  'a client that BullMQ creates from it': (redis) => redis.duplicate(),
};

it.each(Object.entries(CLIENTS))(
  '%s survives every error of a corrupted TLS connection',
  async (_, clientOf) => {
    await using server = await startSecureRedis();
    const proxy = await WireProxy.start(server.port);
    const lifecycle = new Lifecycle(quietLog, 5_000);
    const uncaught: Error[] = [];
    const onUncaught = (error: Error) => uncaught.push(error);
    process.on('uncaughtExceptionMonitor', onUncaught);
    try {
      const url = server.env.REDIS_URL.replace(`:${server.port}`, `:${proxy.port}`);
      const config = readNotifierConfig({ ...server.env, REDIS_URL: url });
      const redis = clientOf(connectRedis(config, lifecycle, quietLog) as Redis);
      await until('it is connected', () => redis.status === 'ready');
      const socket = redis.stream as Socket;
      // A write between the error of the read and the close of the socket.
      redis.once('error', () => {
        redis.get('{dialhook:dead}:none').catch(() => {});
      });
      proxy.impair({ corrupt: 1, corruptLast: true });
      redis.get('{dialhook:dead}:none').catch(() => {});
      await until('the connection is closed', () => socket.closed);
      proxy.heal();
      await until('it is connected again', () => redis.status === 'ready');
      expect(await redis.get('{dialhook:dead}:none')).toBeNull();
      redis.disconnect();
      expect(uncaught).toEqual([]);
    } finally {
      process.off('uncaughtExceptionMonitor', onUncaught);
      await lifecycle.stop();
      await proxy.stop();
    }
  },
);
