import { createSecureContext } from 'node:tls';
import { z } from 'zod';
import { serverUrls, splitUrls } from '#libs/config/server-urls.ts';
import { count, file, secret } from '#libs/config/settings.ts';

/** Address of Redis and credentials. */
const redisSettings = {
  REDIS_URL: serverUrls({
    schemes: ['redis:', 'rediss:', 'unix:'],
    path: String.raw`(?:/\d*)?(?:\?[^@#,\s]*)?`,
    instead: 'REDIS_USER and REDIS_PASSWORD',
  })
    .meta({ secret: true })
    .default('redis://127.0.0.1:6379')
    .describe(
      'URL of Redis: redis://, rediss:// for TLS, or unix:///path. With REDIS_MODE cluster or sentinel several, separated by commas; user and password of the first are used for all. Percent-encode user and password, or set REDIS_USER and REDIS_PASSWORD. maxmemory-policy must be noeviction',
    ),
  REDIS_USER: z
    .string()
    .optional()
    .describe('ACL user for Redis, instead of one in REDIS_URL; needs REDIS_PASSWORD'),
  REDIS_PASSWORD: secret().optional().describe('password for Redis, instead of one in REDIS_URL'),
  REDIS_MODE: z
    .enum(['standalone', 'cluster', 'sentinel'], 'must be standalone, cluster or sentinel')
    .default('standalone')
    .describe(
      'standalone: one server, or one name of a managed service; cluster: REDIS_URL lists nodes of a Redis Cluster; sentinel: REDIS_URL lists Sentinels',
    ),
  REDIS_SENTINEL_NAME: z
    .string()
    .optional()
    .describe('name under which the Sentinels monitor Redis; required with REDIS_MODE sentinel'),
  REDIS_SENTINEL_PASSWORD: secret().optional().describe('password of the Sentinels, when they require one'),
  REDIS_TLS_CA_FILE: file()
    .optional()
    .describe(
      'PEM file with the authorities that may sign the certificate of Redis, instead of the public ones; needs rediss://',
    ),
  REDIS_TLS_CERT_FILE: file()
    .optional()
    .describe('PEM file with the client certificate for Redis; needs rediss:// and REDIS_TLS_KEY_FILE'),
  REDIS_TLS_KEY_FILE: file().optional().describe('PEM file with the private key of REDIS_TLS_CERT_FILE'),
};

export const replicationSettings = {
  REDIS_WAIT_REPLICAS: count(0, 5)
    .default(0)
    .describe(
      'number of replicas of Redis that must have a notification before it is left to the retry queue or kept as a dead letter; until then JetStream keeps it. With 1 a failover loses nothing, and while no replica is connected the stream fills. 0 does not wait',
    ),
};

/** The settings for Redis, parsed. */
export type RedisConfig = z.output<z.ZodObject<typeof redisSettings>>;

export const tlsOf = (config: RedisConfig) => ({
  rejectUnauthorized: true,
  ...(config.REDIS_TLS_CA_FILE === undefined ? {} : { ca: config.REDIS_TLS_CA_FILE }),
  ...(config.REDIS_TLS_CERT_FILE === undefined ? {} : { cert: config.REDIS_TLS_CERT_FILE }),
  ...(config.REDIS_TLS_KEY_FILE === undefined ? {} : { key: config.REDIS_TLS_KEY_FILE }),
});

/** For `superRefine`: reports Redis settings that contradict each other. */
export function checkRedisSettings(config: RedisConfig, context: z.RefinementCtx): void {
  const wrong = (message: string) => context.addIssue({ code: 'custom', message });
  const { REDIS_TLS_CA_FILE, REDIS_TLS_CERT_FILE, REDIS_TLS_KEY_FILE, REDIS_URL } = config;
  const { REDIS_MODE, REDIS_SENTINEL_NAME } = config;
  const secure = REDIS_URL.startsWith('rediss:');
  if (!secure && (REDIS_TLS_CA_FILE ?? REDIS_TLS_CERT_FILE ?? REDIS_TLS_KEY_FILE) !== undefined)
    wrong('REDIS_TLS_CA_FILE, REDIS_TLS_CERT_FILE and REDIS_TLS_KEY_FILE need a REDIS_URL with rediss://');
  if ((REDIS_TLS_CERT_FILE === undefined) !== (REDIS_TLS_KEY_FILE === undefined))
    wrong('REDIS_TLS_CERT_FILE and REDIS_TLS_KEY_FILE must be set together');
  const several = REDIS_URL.includes(',');
  const hasUserinfo = splitUrls(REDIS_URL).some(
    ({ username, password }) => username !== '' || password !== '',
  );
  if (hasUserinfo && (config.REDIS_USER ?? config.REDIS_PASSWORD) !== undefined)
    wrong('only one may be set of a user or password in REDIS_URL, and REDIS_USER and REDIS_PASSWORD');
  if (config.REDIS_USER !== undefined && config.REDIS_PASSWORD === undefined)
    wrong('REDIS_USER needs REDIS_PASSWORD');
  if (REDIS_MODE === 'standalone' && several)
    wrong('REDIS_URL may list several servers only with REDIS_MODE cluster or sentinel');
  if (REDIS_MODE !== 'standalone' && REDIS_URL.includes('unix:'))
    wrong('REDIS_URL must be redis:// or rediss:// with REDIS_MODE cluster or sentinel');
  if ((REDIS_MODE === 'sentinel') !== (REDIS_SENTINEL_NAME !== undefined))
    wrong('REDIS_SENTINEL_NAME must be set with REDIS_MODE sentinel, and only then');
  try {
    createSecureContext(tlsOf(config));
  } catch (error) {
    wrong(`a REDIS_TLS_..._FILE cannot be used: ${(error as Error).message}`);
  }
}

/** Settings of every service that uses Redis. */
export const queueSettings = {
  ...redisSettings,
  QUEUE_PREFIX: z
    .string()
    .regex(/^[\w.-]{1,64}$/, 'must be 1 to 64 letters, digits or _ - .')
    .default('dialhook')
    .describe(
      'prefix of every key in Redis, within its hash tag: {dialhook:7}. Notifiers, the console and the CLI must have the same',
    ),
};
