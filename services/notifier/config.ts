import { z } from 'zod';
import { ACK_WAIT_MS } from '#libs/bus/progress.ts';
import { readConfig } from '#libs/config/config.ts';
import {
  bytes,
  checkNatsSettings,
  commonSettings,
  count,
  milliseconds,
  port,
  replicas,
} from '#libs/config/settings.ts';
import { checkEndpointSettings, endpointSettings } from '#libs/http/settings.ts';
import { checkRedisSettings, queueSettings, replicationSettings } from '#libs/queue/settings.ts';

const MEBIBYTE = 1024 * 1024;
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const schedule = () =>
  z.string().transform((text, context) => {
    const waits = text.split(',').map((wait) => Number(wait.trim() || Number.NaN));
    if (waits.length <= 32 && waits.every((ms) => Number.isInteger(ms) && ms >= 1 && ms <= 30 * DAY))
      return waits;
    context.addIssue({
      code: 'custom',
      message: 'must be at most 32 whole numbers of ms from 1 to 30 days, separated by commas',
    });
    return z.NEVER;
  });

const fraction = () => {
  const message = 'must be a number from 0 to 1';
  return z.coerce.number({ error: message }).min(0, message).max(1, message);
};

/** The notifier's settings, by environment variable. */
export const NotifierSettings = z
  .object({
    ...commonSettings,
    HEALTH_PORT: port()
      .default(9103)
      .describe('port on which /healthz, /readyz and /metrics are served; 0 picks a free one'),
    ...queueSettings,
    ...replicationSettings,
    ENDPOINT_METHOD: z
      .enum(['POST', 'GET'], 'must be POST or GET')
      .default('POST')
      .describe('HTTP method of notifications: POST with a JSON body, or GET with query parameters'),
    ...endpointSettings,
    NOTIFY_CONCURRENCY: count(1, 10_000)
      .default(256)
      .describe(
        'deliveries in flight at once, for each notifier; one endpoint has at most half of them. Raising it takes more connections and memory',
      ),
    NOTIFY_CONNECT_TIMEOUT_MS: milliseconds(1, MINUTE)
      .default(3 * SECOND)
      .describe('time for DNS, TCP and TLS of one delivery attempt, together'),
    NOTIFY_RESPONSE_TIMEOUT_MS: milliseconds(1, 2 * MINUTE)
      .default(10 * SECOND)
      .describe('time from the sent notification to the last byte of the answer, for one delivery attempt'),
    RETRY_SCHEDULE_MS: schedule()
      .meta({ unit: 'ms' })
      .default([5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 10 * HOUR])
      .describe(
        'delays after the first, second, ... failed attempt; when the attempt after the last delay fails, the notification is a dead letter',
      ),
    RETRY_JITTER: fraction()
      .default(0.2)
      .describe('share by which each delay of RETRY_SCHEDULE_MS is longer or shorter at random'),
    RETRY_AFTER_MAX_MS: milliseconds(0, 7 * DAY)
      .default(HOUR)
      .describe('upper bound of the Retry-After in a 429, 502, 503 or 504 of an endpoint'),
    THROTTLE_FIRST_MS: milliseconds(1, DAY)
      .default(SECOND)
      .describe(
        'how long nothing is sent to an endpoint after a 429, 502, 503 or 504 without Retry-After; doubled with each failed probe',
      ),
    THROTTLE_MAX_MS: milliseconds(1, DAY)
      .default(5 * MINUTE)
      .describe('upper bound of the doubled THROTTLE_FIRST_MS'),
    ENDPOINT_DISABLE_AFTER_MS: milliseconds(1, 365 * DAY)
      .default(5 * DAY)
      .describe('an endpoint is disabled when every attempt has failed for this long'),
    TAKEOVER_MS: milliseconds(2 * SECOND, MINUTE)
      .default(5 * SECOND)
      .describe(
        'expiry of the partition leases: after the death of a notifier others read its partitions after this time, and continue its calls after this time plus the timeouts of an attempt',
      ),
    QUEUE_CHECK_INTERVAL_MS: milliseconds(SECOND, DAY)
      .default(MINUTE)
      .describe(
        'interval between two checks of the retry queue by one of the notifiers: a call that has lost its job, for example in a failover of Redis, waits up to this long until its notifications are attempted again',
      ),
    DEDUP_MS: milliseconds(1, 30 * DAY)
      .default(2 * HOUR)
      .describe(
        'how long the notification ids of a call are remembered after its last notification, to detect duplicates',
      ),
    DEAD_LETTER_MAX: count(1, 10_000_000)
      .default(100_000)
      .describe('maximum number of dead letters; beyond it the oldest are removed, counted and logged'),
    DEAD_LETTER_MAX_AGE_MS: milliseconds(1, 3650 * DAY)
      .default(30 * DAY)
      .describe('how long a dead letter is kept'),
    PROGRESS_REPLICAS: replicas().describe(
      'number of NATS servers that store each message of the progress stream',
    ),
    PROGRESS_MAX_BYTES: bytes(MEBIBYTE, 1024 * 1024 * MEBIBYTE)
      .default(256 * MEBIBYTE)
      .describe('maximum size of the progress stream; while it is full, agents buffer notifications'),
    PROGRESS_MAX_AGE_MS: milliseconds(MINUTE, 365 * DAY)
      .default(3 * DAY)
      .describe('how long a message stays in the progress stream unless it is acknowledged'),
    PROGRESS_DUPLICATE_WINDOW_MS: milliseconds(SECOND, DAY)
      .default(2 * MINUTE)
      .describe(
        'how long JetStream remembers message ids, to store one of the same notification from two agents',
      ),
    TIMELINE_REPLICAS: replicas().describe('number of NATS servers that store each step of a timeline'),
    TIMELINE_MAX_BYTES: bytes(MEBIBYTE, 1024 * 1024 * MEBIBYTE)
      .default(256 * MEBIBYTE)
      .describe('maximum size of the timeline stream; the oldest steps are removed first'),
    TIMELINE_MAX_AGE_MS: milliseconds(MINUTE, 365 * DAY)
      .default(DAY)
      .describe('how long a step of a timeline is stored'),
  })
  .superRefine(checkNatsSettings)
  .superRefine(checkRedisSettings)
  .superRefine(checkEndpointSettings)
  .superRefine((config, context) => {
    const contradiction = (message: string) => context.addIssue({ code: 'custom', message });
    if (config.DEDUP_MS <= ACK_WAIT_MS)
      contradiction(
        `DEDUP_MS must be more than ${ACK_WAIT_MS}: JetStream hands a message out again after that time, and the endpoint would get it twice (it is ${config.DEDUP_MS})`,
      );
    if (config.DEDUP_MS < config.PROGRESS_DUPLICATE_WINDOW_MS)
      contradiction('DEDUP_MS must not be less than PROGRESS_DUPLICATE_WINDOW_MS');
    if (config.THROTTLE_FIRST_MS > config.THROTTLE_MAX_MS)
      contradiction('THROTTLE_FIRST_MS must not be more than THROTTLE_MAX_MS');
    if (config.PROGRESS_DUPLICATE_WINDOW_MS > config.PROGRESS_MAX_AGE_MS)
      contradiction('PROGRESS_DUPLICATE_WINDOW_MS must not be more than PROGRESS_MAX_AGE_MS');
    const attemptMs = config.NOTIFY_CONNECT_TIMEOUT_MS + config.NOTIFY_RESPONSE_TIMEOUT_MS;
    if (config.STOP_DEADLINE_MS <= attemptMs)
      contradiction(
        `STOP_DEADLINE_MS must be more than NOTIFY_CONNECT_TIMEOUT_MS and NOTIFY_RESPONSE_TIMEOUT_MS together (${attemptMs}): a delivery cut off by the stop is made twice (it is ${config.STOP_DEADLINE_MS})`,
      );
  });
export type NotifierConfig = z.output<typeof NotifierSettings>;

/** @throws {ConfigError} */
export const readNotifierConfig = (env: NodeJS.ProcessEnv): NotifierConfig =>
  readConfig(NotifierSettings, env);
