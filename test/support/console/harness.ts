import { connect, type NatsConnection } from '@nats-io/transport-node';
import { Redis } from 'ioredis';
import { Bus } from '#libs/bus/connection.ts';
import { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { readConsoleConfig } from '#services/console/config.ts';
import { startConsole } from '#services/console/console.ts';
import { type LogLine, recordLog } from '#test/support/log.ts';
import { type NatsServer, startNats } from '#test/support/servers/nats.ts';
import { type RedisServer, startRedis } from '#test/support/servers/redis.ts';
import { makeTimeline } from './steps.ts';

export const VIEWER = 'viewer-token-0123456789';
export const OPERATOR = 'operator-token-0123456789';

/** A running console in this process, with its own NATS and Redis. */
export interface ConsoleHarness {
  readonly url: string;
  readonly nats: NatsConnection;
  readonly natsServer: NatsServer;
  readonly redis: Redis;
  readonly redisServer: RedisServer;
  readonly lifecycle: Lifecycle;
  readonly lines: LogLine[];
  /** Starts another console on the same servers. */
  another(env?: NodeJS.ProcessEnv): Promise<string>;
  get(path: string, token?: string): Promise<Response>;
  post(path: string, body: unknown, token?: string): Promise<Response>;
  stop(): Promise<void>;
}

export async function startHarness(env: NodeJS.ProcessEnv = {}): Promise<ConsoleHarness> {
  const [natsServer, redisServer] = await Promise.all([startNats(), startRedis()]);
  const nats = await connect({ servers: natsServer.url });
  await makeTimeline(nats);
  const { log, lines } = recordLog();
  const lifecycle = new Lifecycle(log, 5_000);
  const start = async (more: NodeJS.ProcessEnv = {}): Promise<string> => {
    const config = readConsoleConfig({
      NATS_URL: natsServer.url,
      REDIS_URL: redisServer.url,
      CONSOLE_PORT: '0',
      CONSOLE_VIEWER_TOKENS: `vera:${VIEWER}`,
      CONSOLE_OPERATOR_TOKENS: `otto:${OPERATOR}`,
      ...env,
      ...more,
    });
    const bus = await Bus.connect(config, 'console', lifecycle, log);
    return `http://127.0.0.1:${await startConsole(config, bus, lifecycle, log)}`;
  };
  const url = await start();
  const redis = new Redis({ path: new URL(redisServer.url).pathname });
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  return {
    url,
    nats,
    natsServer,
    redis,
    redisServer,
    lifecycle,
    lines,
    another: start,
    get: (path, token = VIEWER) => fetch(`${url}${path}`, { headers: bearer(token) }),
    post: (path, body, token = OPERATOR) =>
      fetch(`${url}${path}`, {
        method: 'POST',
        headers: { ...bearer(token), 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    stop: async () => {
      await lifecycle.stop();
      redis.disconnect();
      await nats.close();
      await Promise.all([natsServer.stop(), redisServer.stop()]);
    },
  };
}
