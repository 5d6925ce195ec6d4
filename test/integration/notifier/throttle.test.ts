import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openRetryQueue } from '#libs/queue/retry-queue.ts';
import { createLog } from '#libs/telemetry/log.ts';
import { NotifierHarness } from '#test/support/notifier/harness.ts';
import { callOf, idsOf } from '#test/support/notifier/progress.ts';
import { OK, type Receiver, startReceiver } from '#test/support/notifier/receiver.ts';
import { until } from '#test/support/until.ts';

let harness: NotifierHarness;
beforeAll(async () => {
  harness = await NotifierHarness.start();
});
afterAll(() => harness[Symbol.asyncDispose]());
beforeEach(async () => {
  await harness.client().flushall();
});

const originOf = (endpoint: Receiver) => new URL(endpoint.url).origin;

/** What is known against an endpoint in Redis, to look at and to disturb. */
function record(endpoint: Receiver) {
  const redis = harness.client();
  const key = `{${harness.prefix}:endpoints}:${originOf(endpoint)}`;
  return {
    get: () => redis.hgetall(key),
    /** Makes its time to be left alone be over. */
    itIsTime: () => redis.hset(key, 'probe_from', 0),
    set: (field: string, value: number) => redis.hset(key, field, value),
  };
}

const calls = (endpoint: Receiver, count: number) =>
  Array.from({ length: count }, () => callOf(endpoint.url, 1)).flat();

async function delayed(): Promise<{
  count(): Promise<number>;
  hurry(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}> {
  const queue = openRetryQueue(harness.client(), harness.prefix);
  return {
    count: () => queue.getDelayedCount(),
    hurry: async () => {
      for (const job of await queue.getDelayed()) await job.promote().catch(() => {});
    },
    [Symbol.asyncDispose]: () => queue.close(),
  };
}

test.each([
  [429, '600', 600_000],
  [503, new Date(Date.now() + 600_000).toUTCString(), 590_000],
  [502, undefined, 300_000],
  [504, '7200', 3_600_000],
] as const)(
  '%j with Retry-After %j: nothing more is sent there, and another endpoint gets everything',
  async (status, retryAfter, leastMs) => {
    await using closed = await startReceiver(() => ({
      status,
      headers: retryAfter === undefined ? {} : { 'retry-after': retryAfter },
    }));
    await using open = await startReceiver();
    await using waiting = await delayed();
    await using _ = await harness.notifier({
      NOTIFY_CONCURRENCY: '2',
      THROTTLE_FIRST_MS: '300000',
      THROTTLE_MAX_MS: '300000',
    });
    await harness.publish(calls(closed, 1));
    await until('it has answered', () => closed.arrivals.length === 1);
    const after = Date.now();
    const [toClosed, toOpen] = [calls(closed, 20), calls(open, 20)];
    await harness.publish([...toClosed, ...toOpen]);
    await until('the other gets everything', () => open.accepted.length === 20);
    await until('all of its own wait', async () => (await waiting.count()) === 21);
    expect(closed.arrivals).toHaveLength(1);
    const { state, probe_from } = await record(closed).get();
    expect(state).toBe('throttled');
    expect(Number(probe_from) - after).toBeGreaterThan(leastMs - 5_000);
  },
);

test('when the time is over one probe is sent; its success opens the endpoint, and no attempt is lost', async () => {
  const { promise: answer, resolve } = Promise.withResolvers<typeof OK>();
  await using endpoint = await startReceiver(({ time }) =>
    time === 1 && endpoint.arrivals.length === 1
      ? { status: 429, headers: { 'retry-after': '600' } }
      : answer,
  );
  await using waiting = await delayed();
  // One attempt each: who was sent away and lost an attempt by that would be a dead letter.
  await using _ = await harness.notifier({ RETRY_SCHEDULE_MS: '1', NOTIFY_RESPONSE_TIMEOUT_MS: '15000' });
  await harness.publish(calls(endpoint, 1));
  await until('it has answered', () => endpoint.arrivals.length === 1);
  await harness.publish(calls(endpoint, 30));
  await until('all wait', async () => (await waiting.count()) === 31);
  await record(endpoint).itIsTime();
  await waiting.hurry();
  await until('one is in flight', () => endpoint.arrivals.length === 2);
  for (let i = 0; i < 3; i++) {
    await waiting.hurry();
    await until('all others wait again', async () => (await waiting.count()) >= 30);
  }
  expect(endpoint.arrivals).toHaveLength(2);
  resolve(OK);
  await until('all are delivered', async () => {
    await waiting.hurry();
    return endpoint.accepted.length === 31;
  });
  expect(endpoint.arrivals).toHaveLength(32);
  expect(await harness.deadLetters().count()).toBe(0);
  expect(await record(endpoint).get()).toEqual({});
});

test('a failed probe throttles for longer each time; a failure of another kind opens the endpoint', async () => {
  const answers = [503, 503, 503, 500];
  await using endpoint = await startReceiver(() => ({ status: answers.shift() ?? 204 }));
  await using waiting = await delayed();
  await using _ = await harness.notifier({
    THROTTLE_FIRST_MS: '100000',
    THROTTLE_MAX_MS: '10000000',
    RETRY_JITTER: '0',
  });
  const closed = record(endpoint);
  await harness.publish(calls(endpoint, 1));
  for (const [throttles, waitMs] of [
    [1, 100_000],
    [2, 200_000],
    [3, 400_000],
  ] as const) {
    await until('it is closed', async () => (await closed.get())['throttles'] === String(throttles));
    const leftMs = Number((await closed.get())['probe_from']) - Date.now();
    expect(leftMs).toBeLessThanOrEqual(waitMs);
    expect(leftMs).toBeGreaterThan(waitMs - 20_000);
    await closed.itIsTime();
    await until('the endpoint got another request', async () => {
      await waiting.hurry();
      return endpoint.arrivals.length > throttles;
    });
  }
  await until('it is delivered', () => endpoint.accepted.length === 1);
  await until('nothing is known against it', async () => Object.keys(await closed.get()).length === 0);
});

test('two notifiers share the state of an endpoint', async () => {
  await using endpoint = await startReceiver(() => ({ status: 429, headers: { 'retry-after': '600' } }));
  await using waiting = await delayed();
  await using first = await harness.notifier();
  await using second = await harness.notifier();
  await until('both work', () => first.health().ready && second.health().ready);
  await harness.publish(calls(endpoint, 1));
  await until('it has answered', () => endpoint.arrivals.length === 1);
  await until('it is closed', async () => (await record(endpoint).get())['state'] === 'throttled');
  await harness.publish(calls(endpoint, 30));
  await until('all wait', async () => (await waiting.count()) === 31);
  expect(endpoint.arrivals).toHaveLength(1);
});

/** A log whose lines can be read. */
function readableLog() {
  const lines: { readonly level: string; readonly endpoint?: string; readonly event: string }[] = [];
  const log = createLog('notifier', {
    level: 'warn',
    destination: { write: (line) => void lines.push(JSON.parse(line)) },
  });
  return { lines, log };
}

test('an endpoint that fails for days is disabled for all notifiers, which is logged once', async () => {
  await using endpoint = await startReceiver(() => ({ status: 500 }));
  const { lines, log } = readableLog();
  const letters = harness.deadLetters();
  const origin = originOf(endpoint);
  const given = { ENDPOINT_DISABLE_AFTER_MS: String(5 * 86_400_000) };
  const [first = [], second = []] = [callOf(endpoint.url, 3), callOf(endpoint.url, 3)];
  {
    await using notifier = await harness.notifier(
      { ...given, RETRY_SCHEDULE_MS: '1,600000,600000' },
      undefined,
      log,
    );
    await until('the notifier is ready', () => notifier.health().ready);
    await harness.publish(first);
    await until('it has failed twice', () => endpoint.arrivals.length === 2);
    expect(await letters.count()).toBe(0);
    // It has failed for five days.
    await record(endpoint).set('failing_since', Date.now() - 5 * 86_400_000);
    await harness.publish(second);
    await until('all that wait are dead letters', async () => {
      await using waiting = await delayed();
      await waiting.hurry();
      return (await letters.list({ origin }, 9)).length === 6;
    });
    const said = lines.filter(({ endpoint }) => endpoint === origin);
    expect(said.filter(({ event }) => event === 'endpoint.disabled')).toMatchObject([{ level: 'error' }]);
    expect(notifier.health().ready).toBe(true);
    const reasons = (await letters.list({ origin }, 9)).map(({ reason, attempts }) => [reason, attempts]);
    expect(reasons).toContainEqual(['endpoint_disabled', 0]);
    expect(new Set(reasons.map(([reason]) => reason))).toEqual(new Set(['endpoint_disabled']));
  }
  const arrivals = endpoint.arrivals.length;
  await using _ = await harness.notifier(given);
  const third = callOf(endpoint.url, 2);
  await harness.publish(third);
  await until('they are dead letters', async () => (await letters.list({ origin }, 9)).length === 8);
  expect(endpoint.arrivals).toHaveLength(arrivals);
  // Of one call, in its order.
  expect((await letters.ofCall(third[0]?.notification.uuid ?? '')).map(({ id }) => id)).toEqual(idsOf(third));
});

test('an endpoint disabled by a notifier is probed once an hour, and a success enables it', async () => {
  let status = 500;
  await using endpoint = await startReceiver(() => ({ status }));
  const { lines, log } = readableLog();
  const letters = harness.deadLetters();
  await using _ = await harness.notifier(
    { ENDPOINT_DISABLE_AFTER_MS: '1', RETRY_SCHEDULE_MS: '5' },
    undefined,
    log,
  );
  const origin = originOf(endpoint);
  const state = async () => (await record(endpoint).get())['state'];
  await harness.publish(callOf(endpoint.url, 1));
  await until('it is disabled', async () => (await state()) === 'disabled');
  const first = endpoint.arrivals.length;
  await record(endpoint).itIsTime();
  await harness.publish(callOf(endpoint.url, 2));
  await until('both are dead letters', async () => (await letters.list({ origin }, 9)).length === 3);
  expect(endpoint.arrivals).toHaveLength(first + 1);
  expect(await state()).toBe('disabled');

  status = 204;
  await record(endpoint).itIsTime();
  await harness.publish(callOf(endpoint.url, 2));
  await until('both are delivered', () => endpoint.accepted.length === 2);
  expect(await record(endpoint).get()).toEqual({});
  expect(lines.some(({ event }) => event === 'endpoint.enabled')).toBe(true);
});

test('an endpoint disabled by an operator is never probed, and can be enabled', async () => {
  await using endpoint = await startReceiver();
  const [letters, endpoints] = [harness.deadLetters(), harness.endpoints()];
  const origin = originOf(endpoint);
  await using _ = await harness.notifier();
  await endpoints.disable(origin);
  expect(await endpoints.list()).toContainEqual(
    expect.objectContaining({ origin, state: 'disabled', by: 'operator' }),
  );
  await harness.publish(callOf(endpoint.url, 2));
  await until('they are dead letters', async () => (await letters.list({ origin }, 9)).length === 2);
  expect(await endpoints.enable(origin)).toBe(true);
  expect(await endpoints.enable(origin)).toBe(false);
  await harness.publish(callOf(endpoint.url, 2));
  await until('the next are delivered', () => endpoint.accepted.length === 2);
  expect(endpoint.arrivals).toHaveLength(2);
});

test('the longest Retry-After with the largest jitter throttles', async () => {
  await using longest = await NotifierHarness.start();
  const endpoints = longest.endpoints();
  const policy = { attemptMs: 1_000, disableAfterMs: 60_000, forgetMs: 60_000 };
  const throttleMs = 14 * 24 * 60 * 60 * 1_000;
  await endpoints.failed('http://a', { probe: false, error: '503', throttleMs }, policy);
  expect(await endpoints.admit('http://a', policy)).toMatchObject({ kind: 'wait', probing: false });
});
