import { expect, test } from 'vitest';
import { ConfigError } from '#libs/config/config.ts';
import type { HttpAnswer } from '#libs/http/client.ts';
import { parseRetryAfter, verdictOf } from '#libs/http/verdict.ts';
import { readNotifierConfig } from '#services/notifier/config.ts';
import { DeliveryLimiter } from '#services/notifier/limiter.ts';
import { retryDelayMs, throttleMs } from '#services/notifier/retry-policy.ts';

const NOW = Date.parse('2026-01-02T03:04:05Z');
const timing = { connectMs: 1, responseMs: 2, reused: false, phases: [] };
const answered = (status: number, headers: Record<string, string> = {}): HttpAnswer => ({
  ok: true,
  status,
  headers,
  body: '',
  timing,
});
const failed = (result: 'connect_timeout' | 'response_timeout' | 'refused_url' | 'tls_failed') =>
  ({ ok: false, result, error: 'words', timing }) as const;

const retryAfters: [string | undefined, number | undefined][] = [
  [undefined, undefined],
  ['120', 120_000],
  [' 0 ', 0],
  ['Fri, 02 Jan 2026 03:05:05 GMT', 60_000],
  ['Fri, 02 Jan 2026 03:00:00 GMT', 0],
  ['-5', undefined],
  ['soon', undefined],
  ['', undefined],
];
test.each(retryAfters)('Retry-After %j is %j ms', (header, expected) => {
  expect(parseRetryAfter(header, NOW)).toBe(expected);
});

const delays: [made: number, random: number, expected: number | undefined][] = [
  [1, 0.5, 5_000],
  [1, 0, 4_000],
  [1, 1, 6_000],
  [2, 0.5, 300_000],
  [3, 0.5, undefined],
];
test.each(delays)('after %j attempts, chance %j: %j ms', (made, random, expected) => {
  expect(retryDelayMs({ scheduleMs: [5_000, 300_000], jitter: 0.2 }, made, random)).toBe(expected);
});

const throttle = { firstMs: 1_000, maxMs: 300_000, retryAfterMaxMs: 3_600_000, jitter: 0.2 };
const throttles: [before: number, asked: number | undefined, random: number, expected: number][] = [
  [0, undefined, 0, 1_000],
  [0, undefined, 1, 1_200],
  [3, undefined, 0, 8_000],
  [60, undefined, 0, 300_000],
  [0, 60_000, 0, 60_000],
  [9, 60_000, 0.5, 66_000],
  [0, 0, 0, 1_000],
  [0, 86_400_000, 0, 3_600_000],
];
test.each(throttles)(
  'throttled %j times before, asked for %j ms, chance %j: %j ms',
  (before, asked, random, expected) => {
    expect(throttleMs(throttle, before, asked, random)).toBe(expected);
  },
);

test.each([200, 201, 204, 299])('%j is delivered', (status) => {
  expect(verdictOf(answered(status), NOW)).toEqual({ kind: 'delivered', status });
});

test.each([
  [410, 'gone'],
  [400, 'refused'],
  [413, 'refused'],
  [414, 'refused'],
  [415, 'refused'],
  [422, 'refused'],
] as const)('%j is a dead letter at once: %s', (status, dead) => {
  expect(verdictOf(answered(status, { 'retry-after': '1' }), NOW)).toMatchObject({ kind: 'failed', dead });
});

test.each([301, 304, 401, 403, 404, 405, 408, 425, 429, 500, 502, 503, 504, 599])(
  '%j is retried',
  (status) => {
    const verdict = verdictOf(answered(status, { 'retry-after': '7' }), NOW);
    expect(verdict).toMatchObject({ kind: 'failed', result: 'http_status', status });
    expect(verdict).not.toHaveProperty('dead');
    const expected = [429, 502, 503, 504].includes(status) ? { retryAfterMs: 7_000 } : undefined;
    expect('throttle' in verdict ? verdict.throttle : undefined).toEqual(expected);
  },
);

test('an endpoint may throttle without saying for how long', () => {
  expect(verdictOf(answered(503), NOW)).toMatchObject({ throttle: { retryAfterMs: undefined } });
});

test.each(['connect_timeout', 'response_timeout', 'tls_failed'] as const)('%s is retried', (result) => {
  expect(verdictOf(failed(result), NOW)).toEqual({ kind: 'failed', result, error: 'words' });
});

test('a URL that may not be called is a dead letter at once', () => {
  expect(verdictOf(failed('refused_url'), NOW)).toMatchObject({ kind: 'failed', dead: 'refused_url' });
});

test('no endpoint has more deliveries in flight than could still be started', () => {
  const limiter = new DeliveryLimiter(8);
  const entered = (origin: string) =>
    Array.from({ length: 8 }, () => limiter.enterOrTurn(origin, NOW, 0)).filter((ms) => ms === 0).length;
  expect(['a', 'b', 'c', 'd'].map(entered)).toEqual([4, 2, 1, 1]);
  expect(entered('e')).toBe(0);
  limiter.leave('a', 5);
  expect(entered('a')).toBe(0);
  expect(entered('e')).toBe(1);
});

test('a limiter of one serves all endpoints in turn', () => {
  const limiter = new DeliveryLimiter(1);
  expect(limiter.enterOrTurn('a', NOW, 0)).toBe(0);
  expect(limiter.enterOrTurn('b', NOW, 0)).toBeGreaterThan(0);
  limiter.leave('a', undefined);
  expect(limiter.enterOrTurn('b', NOW, 0)).toBe(0);
});

test('jobs that are sent away return one after the other, at the pace of the endpoint, within 30 s', () => {
  const limiter = new DeliveryLimiter(8);
  const enter = () => limiter.enterOrTurn('slow', NOW, 1);
  for (let i = 0; i < 4; i++) expect(enter()).toBe(0);
  limiter.leave('slow', 8_000);
  expect([enter(), enter(), enter()]).toEqual([0, 2_000, 4_000]);
  expect(Math.max(...Array.from({ length: 100 }, enter))).toBe(30_000);
});

const config = (env: Record<string, string>) => () => readNotifierConfig(env);

test('the default settings do not contradict each other', () => {
  expect(config({})()).toMatchObject({
    HEALTH_PORT: 9103,
    RETRY_SCHEDULE_MS: [5_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000, 36_000_000],
  });
});

test.each([
  [{ DEDUP_MS: '60000' }, 'DEDUP_MS must be more than 60000'],
  [{ DEDUP_MS: '90000' }, 'DEDUP_MS must not be less than PROGRESS_DUPLICATE_WINDOW_MS'],
  [{ STOP_DEADLINE_MS: '13000' }, 'STOP_DEADLINE_MS must be more than'],
  [
    { PROGRESS_MAX_AGE_MS: '60000' },
    'PROGRESS_DUPLICATE_WINDOW_MS must not be more than PROGRESS_MAX_AGE_MS',
  ],
  [{ THROTTLE_FIRST_MS: '600000' }, 'THROTTLE_FIRST_MS must not be more than THROTTLE_MAX_MS'],
  [{ RETRY_SCHEDULE_MS: '5000,,1' }, 'RETRY_SCHEDULE_MS must be'],
  [{ RETRY_SCHEDULE_MS: '5000,-1' }, 'RETRY_SCHEDULE_MS must be'],
  [{ RETRY_JITTER: '20' }, 'RETRY_JITTER must be a number from 0 to 1'],
  [{ REDIS_URL: 'http://127.0.0.1' }, 'REDIS_URL must be a URL'],
  [{ ENDPOINT_REFUSED_NETWORKS: '10.0.0.0/99' }, 'ENDPOINT_REFUSED_NETWORKS must be networks'],
])('refuses to start with %j', (env, words) => {
  expect(config(env)).toThrow(ConfigError);
  expect(config(env)).toThrow(words);
});

test('the password in REDIS_URL is not repeated', () => {
  expect(config({ REDIS_URL: 'http://:hush@127.0.0.1' })).toThrow(/^(?!.*hush)/s);
});
