import { z } from 'zod';
import { readConfig } from '#libs/config/config.ts';
import { type RedisClient, withRedis } from '#libs/queue/redis.ts';
import { checkRedisSettings, queueSettings } from '#libs/queue/settings.ts';
import type { Terminal } from './command.ts';

export const QUEUE_SETTINGS = Object.keys(queueSettings).join(', ');

const QueueSettings = z.object(queueSettings).superRefine(checkRedisSettings);

/** Connects to the notifiers' Redis for the duration of `work`. @throws {ConfigError}, or an error when Redis cannot be reached */
export async function withQueue<T>(
  { env }: Terminal,
  work: (redis: RedisClient, prefix: string) => Promise<T>,
): Promise<T> {
  const config = readConfig(QueueSettings, env);
  return withRedis(config, (redis) => work(redis, config.QUEUE_PREFIX));
}
