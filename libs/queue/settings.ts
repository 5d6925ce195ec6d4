import { createSecureContext } from 'node:tls';
import { z } from 'zod';
import { file, url } from '#libs/config/settings.ts';

/** Where Redis is and how to log in. */
const redisSettings = {
  REDIS_URL: url('redis:', 'rediss:', 'unix:')
    .meta({ secret: true })
    .default('redis://127.0.0.1:6379')
    .describe('Redis, its maxmemory-policy noeviction; unix:///path for a socket'),
  REDIS_TLS_CA_FILE: file()
    .optional()
    .describe('PEM of the authorities that Redis is trusted by, instead of the public ones; needs rediss://'),
  REDIS_TLS_CERT_FILE: file().optional().describe('PEM of a certificate to show to Redis; needs rediss://'),
  REDIS_TLS_KEY_FILE: file().optional().describe('PEM of its key'),
};

/** How to reach Redis, as the settings say it. */
export type RedisConfig = z.output<z.ZodObject<typeof redisSettings>>;

export const tlsOf = (config: RedisConfig) => ({
  rejectUnauthorized: true,
  ...(config.REDIS_TLS_CA_FILE === undefined ? {} : { ca: config.REDIS_TLS_CA_FILE }),
  ...(config.REDIS_TLS_CERT_FILE === undefined ? {} : { cert: config.REDIS_TLS_CERT_FILE }),
  ...(config.REDIS_TLS_KEY_FILE === undefined ? {} : { key: config.REDIS_TLS_KEY_FILE }),
});

/** For a `superRefine`: what contradicts itself in the settings for Redis. */
export function checkRedisSettings(config: RedisConfig, context: z.RefinementCtx): void {
  const wrong = (message: string) => context.addIssue({ code: 'custom', message });
  const { REDIS_TLS_CA_FILE, REDIS_TLS_CERT_FILE, REDIS_TLS_KEY_FILE, REDIS_URL } = config;
  const secure = REDIS_URL.startsWith('rediss:');
  if (!secure && (REDIS_TLS_CA_FILE ?? REDIS_TLS_CERT_FILE ?? REDIS_TLS_KEY_FILE) !== undefined)
    wrong('REDIS_TLS_CA_FILE, REDIS_TLS_CERT_FILE and REDIS_TLS_KEY_FILE need a REDIS_URL with rediss://');
  if ((REDIS_TLS_CERT_FILE === undefined) !== (REDIS_TLS_KEY_FILE === undefined))
    wrong('REDIS_TLS_CERT_FILE and REDIS_TLS_KEY_FILE must be set together');
  try {
    createSecureContext(tlsOf(config));
  } catch (error) {
    wrong(`a REDIS_TLS_..._FILE cannot be used: ${(error as Error).message}`);
  }
}

/** Settings of all that works with the queue in Redis. */
export const queueSettings = {
  ...redisSettings,
  QUEUE_PREFIX: z
    .string()
    .regex(/^[\w{}.-]{1,64}$/, 'must be 1 to 64 letters, digits or _ - . { }')
    .default('dialhook')
    .describe('what every key in Redis starts with'),
};
