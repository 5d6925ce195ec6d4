import { z } from 'zod';
import { url } from '#libs/config/settings.ts';

/** Settings of all that works with the queue in Redis. */
export const queueSettings = {
  REDIS_URL: url('redis:', 'rediss:', 'unix:')
    .meta({ secret: true })
    .default('redis://127.0.0.1:6379')
    .describe('Redis, its maxmemory-policy noeviction; unix:///path for a socket'),
  QUEUE_PREFIX: z
    .string()
    .regex(/^[\w{}.-]{1,64}$/, 'must be 1 to 64 letters, digits or _ - . { }')
    .default('dialhook')
    .describe('what every key in Redis starts with'),
};
