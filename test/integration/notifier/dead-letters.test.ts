import type { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ProgressEvent } from '#libs/contract/messages.ts';
import { originOf } from '#libs/net/url.ts';
import { type DeadLetter, type DeadLetterFilter, DeadLetters } from '#libs/queue/dead-letters.ts';
import { EndpointState } from '#libs/queue/endpoint-state.ts';
import { entryOf } from '#libs/queue/entry.ts';
import { knownEndpointsKey } from '#libs/queue/keys.ts';
import { Replay } from '#libs/queue/replay.ts';
import { openRetryQueue } from '#libs/queue/retry-queue.ts';
import { NotifierHarness } from '#test/support/notifier/harness.ts';
import { callOf, idsOf } from '#test/support/notifier/progress.ts';
import { type Behave, OK, startReceiver } from '#test/support/notifier/receiver.ts';
import { until } from '#test/support/until.ts';

let harness: NotifierHarness;
beforeAll(async () => {
  harness = await NotifierHarness.start();
});
afterAll(() => harness[Symbol.asyncDispose]());

const firstGets =
  (status: number): Behave =>
  ({ id }) =>
    id.includes('leg-0') ? { status } : OK;

test.each([
  [410, 'gone', 1],
  [422, 'refused', 1],
  [500, 'exhausted', 3],
] as const)(
  '%j: dead letter (%s) after %j attempts, and the call goes on',
  async (status, reason, attempts) => {
    await using endpoint = await startReceiver(firstGets(status));
    const letters = harness.deadLetters();
    await using _ = await harness.notifier({ RETRY_SCHEDULE_MS: '1,1' });
    const call = callOf(endpoint.url, 3);
    const [first = '', ...others] = idsOf(call);
    const [progress] = call;
    await harness.publish(call);
    await until('the others are delivered', () => endpoint.accepted.length === 2);
    expect(endpoint.accepted).toEqual(others);
    expect(endpoint.arrivals.filter(({ id }) => id === first)).toHaveLength(attempts);

    const letter = { id: first, reason, attempts, status, progress, origin: new URL(endpoint.url).origin };
    const uuid = progress?.notification.uuid ?? '';
    const error = expect.stringContaining(String(status));
    for (const of of [{}, { call: uuid }, { origin: letter.origin }])
      expect(await letters.list(of, 1)).toMatchObject([{ ...letter, call: uuid, error }]);
  },
);

test('the dead letter of an unreachable endpoint has the last error', async () => {
  const url = await (async () => {
    await using gone = await startReceiver();
    return gone.url;
  })();
  const letters = harness.deadLetters();
  await using _ = await harness.notifier({ RETRY_SCHEDULE_MS: '1' });
  await harness.publish(callOf(url, 1));
  const { origin } = new URL(url);
  await until('it is a dead letter', async () => (await letters.list({ origin }, 1)).length === 1);
  const [letter] = await letters.list({ origin }, 1);
  expect(letter).toMatchObject({ reason: 'exhausted', attempts: 2 });
  expect(letter?.error).toContain('ECONNREFUSED');
  expect(letter).not.toHaveProperty('status');
});

/** A letter of a call as its notifier would keep it. */
function letterOf(progress: ProgressEvent, order: number, time: number): DeadLetter {
  const { uuid } = progress.notification;
  const of = { call: uuid, origin: originOf(progress.url), time, attempts: 1 };
  return { ...entryOf(progress, order, {}), ...of, reason: 'gone', error: 'words' };
}

test('surplus and old dead letters are removed, counted, and leave the indexes', async () => {
  const redis = harness.client();
  const letters = new DeadLetters(redis, 'trim');
  for (let i = 0; i < 1_203; i++) {
    const [progress] = callOf('http://a/b', 1, `call-${i}`);
    if (progress) await letters.keep(letterOf(progress, 1, 100 + i));
  }
  const limits = { max: 3, maxAgeMs: 1_000 };
  expect(await letters.trim(limits, 0)).toBe(1_200);
  expect(await letters.count()).toBe(3);
  expect((await letters.list({ origin: 'http://a' }, 9)).map(({ call }) => call)).toEqual([
    'call-1202',
    'call-1201',
    'call-1200',
  ]);
  expect(await letters.list({ call: 'call-0' }, 9)).toEqual([]);
  expect(await letters.trim(limits, 2_302)).toBe(2);
  expect(await letters.trim(limits, 2_303)).toBe(1);
  expect((await redis.keys('{trim:*')).sort()).toEqual([]);
});

/** A connection on which `work` runs once, when the first command of that name has been answered. */
function interrupted(command: keyof Redis, work: () => Promise<unknown>): Redis {
  const redis = harness.client();
  const left = new Set<unknown>([command]);
  return new Proxy(redis, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      if (!left.delete(name)) return value.bind(target);
      return async (...args: unknown[]) => {
        const answer = await value.apply(target, args);
        await work();
        return answer;
      };
    },
  });
}

test.each(['zcard', 'zrangeBuffer', 'hmget'] as const)(
  'two notifiers that trim at once keep the newest dead letters, the other one after %s',
  async (command) => {
    const prefix = `at-once-${command}`;
    const other = new DeadLetters(harness.client(), prefix);
    for (let i = 0; i < 6; i++) {
      const [progress] = callOf('http://a/b', 1, `call-${i}`);
      if (progress) await other.keep(letterOf(progress, 1, 100 + i));
    }
    const limits = { max: 3, maxAgeMs: 1_000 };
    const corrupt: string[] = [];
    const trim = (letters: DeadLetters) => letters.trim(limits, 0, (id) => corrupt.push(id));
    const one = new DeadLetters(
      interrupted(command, () => trim(other)),
      prefix,
    );
    await trim(one);
    expect((await other.list({}, 9)).map(({ call }) => call)).toEqual(['call-5', 'call-4', 'call-3']);
    expect(corrupt).toEqual([]);
  },
);

test('an endpoint that is disabled while the endpoints are listed stays in the list', async () => {
  const origin = 'http://disabled';
  const endpoints = new EndpointState(harness.client(), 'listed');
  // Its state has expired.
  await harness.client().sadd(knownEndpointsKey('listed'), origin);
  const disable = () => endpoints.disable(origin);
  await new EndpointState(interrupted('hgetall', disable), 'listed').list();
  expect(await endpoints.list()).toMatchObject([{ origin, state: 'disabled' }]);
});

test('dead letters are found by call, endpoint and time, in any combination, newest first', async () => {
  const letters = new DeadLetters(harness.client(), 'find');
  const kept = [
    ...callOf('http://a/1', 2, 'one').map((progress, i) => letterOf(progress, i, 100)),
    ...callOf('http://b/2', 1, 'two').map((progress) => letterOf(progress, 9, 200)),
    ...callOf('http://a/3', 1, 'two').map((progress) => letterOf({ ...progress }, 10, 300)),
  ];
  // The last two have the same id: only the newer is left.
  for (const letter of kept) await letters.keep(letter);
  const found = async (filter: DeadLetterFilter, limit = 9) =>
    (await letters.list(filter, limit)).map(({ id }) => id.replace('.ring', ''));
  expect(await found({})).toEqual(['two.leg-0', 'one.leg-1', 'one.leg-0']);
  expect(await found({}, 1)).toEqual(['two.leg-0']);
  expect(await found({ call: 'one' })).toEqual(['one.leg-1', 'one.leg-0']);
  expect(await found({ origin: 'http://a' })).toEqual(['two.leg-0', 'one.leg-1', 'one.leg-0']);
  expect(await found({ since: 101 })).toEqual(['two.leg-0']);
  expect(await found({ until: 300, origin: 'http://a' })).toEqual(['one.leg-1', 'one.leg-0']);
  expect(await found({ call: 'one', since: 101 })).toEqual([]);
  expect(await letters.calls({})).toEqual(['one', 'two']);
});

test('replayed dead letters are delivered in the order of their call, before those that still wait', async () => {
  const client = harness.client();
  const letters = harness.deadLetters();
  await using endpoint = await startReceiver();
  const call = callOf(endpoint.url, 5);
  const uuid = call[0]?.notification.uuid ?? '';
  const { origin } = new URL(endpoint.url);
  const all = call.map((progress, order) => letterOf(progress, order, 1));
  // The fourth still waits; the others became dead letters at the same time, the last of them first.
  const replay = new Replay(client, harness.prefix);
  await replay.insert(uuid, all.slice(3, 4));
  for (const letter of [4, 1, 2, 0].flatMap((i) => all.slice(i, i + 1))) await letters.keep(letter);

  expect(await replay.send({ origin, since: 2 })).toBe(0);
  expect(await replay.send({ origin }, ({ order }) => order !== 4)).toBe(3);
  expect((await letters.list({ origin }, 9)).map(({ order }) => order)).toEqual([4]);
  expect(await replay.send({ call: uuid })).toBe(1);
  expect(await replay.send({ call: uuid })).toBe(0);
  await using _ = await harness.notifier();
  await until('all are delivered', () => endpoint.accepted.length === 5);
  expect(endpoint.accepted).toEqual(idsOf(call));
  await replay.close();
});

test('a dead letter that was replaced since it was read is not removed', async () => {
  const letters = harness.deadLetters();
  const [progress] = callOf('http://a/b', 1);
  if (!progress) throw new Error('no progress');
  const old = letterOf(progress, 1, 1);
  await letters.keep({ ...old, time: 2 });
  await letters.remove([old]);
  expect(await letters.byId([old.id])).toEqual([{ ...old, time: 2 }]);
  await letters.remove([{ ...old, time: 2 }]);
  expect(await letters.byId([old.id])).toEqual([]);
});

test('a replay makes the next attempt of the call at once', async () => {
  await using endpoint = await startReceiver(() => ({ status: 500 }));
  await using _ = await harness.notifier({ RETRY_SCHEDULE_MS: '600000' });
  const call = callOf(endpoint.url, 2);
  const [first, second] = call;
  if (!first || !second) throw new Error('no progress');
  await harness.publish([second]);
  const client = harness.client();
  const queue = openRetryQueue(client, harness.prefix);
  await until('it waits', async () => (await queue.getDelayedCount()) === 1);
  endpoint.behave = () => OK;
  const replay = new Replay(client, harness.prefix);
  await replay.sendLetters([letterOf(first, 0, 1)]);
  await until('both are delivered', () => endpoint.accepted.length === 2);
  expect(endpoint.accepted).toEqual(idsOf(call));
  await Promise.all([replay.close(), queue.close()]);
});
