import type { Socket } from 'node:net';
import type { Redis } from 'ioredis';
import { afterEach, expect, it, vi } from 'vitest';
import { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { connectRedis } from '#libs/queue/redis.ts';
import { readNotifierConfig } from '#services/notifier/config.ts';
import { WireProxy } from '#test/chaos/proxy.ts';
import { quietLog } from '#test/support/log.ts';
import { startRedis } from '#test/support/servers/redis.ts';
import { until } from '#test/support/until.ts';

afterEach(() => void vi.useRealTimers());

it('a connection that stays silent for 30 s while a command waits is replaced, and the command is sent again', async () => {
  const server = await startRedis({ tcp: true });
  const proxy = await WireProxy.start(Number(new URL(server.url).port));
  const lifecycle = new Lifecycle(quietLog, 5_000);
  try {
    const config = readNotifierConfig({ REDIS_URL: `redis://127.0.0.1:${proxy.port}` });
    const redis = connectRedis(config, lifecycle, quietLog) as Redis;
    await until('it is connected', () => redis.status === 'ready');
    const silent = redis.stream as Socket;
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    proxy.impair({ stall: true });
    const answer = redis.set('key', 'value');
    await vi.advanceTimersByTimeAsync(29_000);
    expect(silent.destroyed).toBe(false);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(silent.destroyed).toBe(true);
    vi.useRealTimers();
    proxy.heal();
    expect(await answer).toBe('OK');
  } finally {
    await lifecycle.stop();
    await proxy.stop();
    await server.stop();
  }
});
