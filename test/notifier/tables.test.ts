import { expect, test } from 'vitest';
import { ConfigError } from '#libs/config/config.ts';
import type { EndpointAnswer } from '#libs/http/client.ts';
import { readNotifierConfig } from '#services/notifier/config.ts';
import { retryAfterMs, retryDelayMs } from '#services/notifier/retry.ts';
import { Slots } from '#services/notifier/slots.ts';
import { verdictOf } from '#services/notifier/verdict.ts';

const NOW = Date.parse('2026-01-02T03:04:05Z');
const timing = { connectMs: 1, responseMs: 2, reused: false };
const answered = (status: number, headers: Record<string, string> = {}): EndpointAnswer => ({
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
  expect(retryAfterMs(header, NOW)).toBe(expected);
});

const policy = { scheduleMs: [5_000, 300_000], jitter: 0.2, retryAfterMaxMs: 3_600_000 };
const delays: [made: number, asked: number | undefined, random: number, expected: number | undefined][] = [
  [1, undefined, 0.5, 5_000],
  [1, undefined, 0, 4_000],
  [1, undefined, 1, 6_000],
  [2, undefined, 0.5, 300_000],
  [3, undefined, 0.5, undefined],
  [3, 1_000, 0.5, undefined],
  [1, 1_000, 0.5, 5_000],
  [1, 60_000, 0, 60_000],
  [1, 60_000, 0.5, 66_000],
  [1, 86_400_000, 0, 3_600_000],
];
test.each(delays)('after %j attempts, asked for %j ms, chance %j: %j ms', (made, asked, random, expected) => {
  expect(retryDelayMs(policy, made, asked, random)).toBe(expected);
});

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
  '%j is tried again',
  (status) => {
    const verdict = verdictOf(answered(status, { 'retry-after': '7' }), NOW);
    expect(verdict).toMatchObject({ kind: 'failed', result: 'http_status', status });
    expect(verdict).not.toHaveProperty('dead');
    const throttled = status === 429 || status === 503;
    expect('retryAfterMs' in verdict ? verdict.retryAfterMs : undefined).toBe(throttled ? 7_000 : undefined);
  },
);

test.each(['connect_timeout', 'response_timeout', 'tls_failed'] as const)('%s is tried again', (result) => {
  expect(verdictOf(failed(result), NOW)).toEqual({ kind: 'failed', result, error: 'words' });
});

test('a URL that may not be called is a dead letter at once', () => {
  expect(verdictOf(failed('refused_url'), NOW)).toMatchObject({ kind: 'failed', dead: 'refused_url' });
});

test('a quick endpoint may take every slot', () => {
  const slots = new Slots(8);
  expect(Array.from({ length: 8 }, () => slots.enter('a', NOW, 0))).toEqual(Array(8).fill(0));
});

test('a slow endpoint gets a quarter of the slots until it answers quickly', () => {
  const slots = new Slots(8);
  slots.enter('slow', NOW, 0);
  slots.leave('slow', 10_000);
  expect([slots.enter('slow', NOW, 0), slots.enter('slow', NOW, 0)]).toEqual([0, 0]);
  expect(slots.enter('slow', NOW, 1)).toBe(5_000);
  expect(slots.enter('slow', NOW, 1)).toBe(10_000);
  expect(slots.enter('other', NOW, 0)).toBe(0);
  slots.leave('slow', 5);
  expect(slots.enter('slow', NOW, 0)).toBe(0);
  expect(slots.enter('slow', NOW, 0)).toBe(0);
});

test('all slow endpoints together get half of the slots', () => {
  const slots = new Slots(8);
  for (const name of ['a', 'b', 'c']) {
    slots.enter(name, NOW, 0);
    slots.leave(name, 10_000);
  }
  expect(['a', 'a', 'b', 'b'].map((name) => slots.enter(name, NOW, 0))).toEqual([0, 0, 0, 0]);
  expect(slots.enter('c', NOW, 1)).toBeGreaterThan(0);
});

test('nobody is sent away for more than half a minute', () => {
  const slots = new Slots(4);
  slots.enter('slow', NOW, 0);
  slots.leave('slow', 10_000);
  slots.enter('slow', NOW, 0);
  const waits = Array.from({ length: 100 }, () => slots.enter('slow', NOW, 1));
  expect(Math.max(...waits)).toBe(30_000);
});

const config = (env: Record<string, string>) => () => readNotifierConfig(env);

test('the defaults are settings that go together', () => {
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
