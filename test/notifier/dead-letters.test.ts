import { afterAll, beforeAll, expect, test } from 'vitest';
import { DeadLetters } from '#services/notifier/dead-letters.ts';
import { callOf, idOf, idsOf } from './progress.ts';
import { type Behave, OK, startReceiver } from './receiver.ts';
import { quiet, until, World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await World.start();
});
afterAll(() => world[Symbol.asyncDispose]());

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
    await using notifier = await world.notifier({ RETRY_SCHEDULE_MS: '1,1' });
    const call = callOf(endpoint.url, 3);
    const [first = '', ...others] = idsOf(call);
    const [progress] = call;
    await world.publish(call);
    await until('the others are delivered', () => endpoint.accepted.length === 2);
    expect(endpoint.accepted).toEqual(others);
    expect(endpoint.arrivals.filter(({ id }) => id === first)).toHaveLength(attempts);

    const letter = { id: first, reason, attempts, status, progress, origin: new URL(endpoint.url).origin };
    const uuid = progress?.notification.uuid ?? '';
    const error = expect.stringContaining(String(status));
    for (const of of [{}, { call: uuid }, { origin: letter.origin }])
      expect(await notifier.deadLetters.list(of, 1)).toMatchObject([{ ...letter, call: uuid, error }]);
  },
);

test('an endpoint that cannot be reached leaves the last error', async () => {
  const url = await (async () => {
    await using gone = await startReceiver();
    return gone.url;
  })();
  await using notifier = await world.notifier({ RETRY_SCHEDULE_MS: '1' });
  await world.publish(callOf(url, 1));
  const { origin } = new URL(url);
  await until('it is given up', async () => (await notifier.deadLetters.list({ origin }, 1)).length === 1);
  const [letter] = await notifier.deadLetters.list({ origin }, 1);
  expect(letter).toMatchObject({ reason: 'exhausted', attempts: 2 });
  expect(letter?.error).toContain('ECONNREFUSED');
  expect(letter).not.toHaveProperty('status');
});

test('a dead letter can be sent again, once', async () => {
  await using endpoint = await startReceiver(firstGets(410));
  await using notifier = await world.notifier();
  const [progress] = callOf(endpoint.url, 1);
  if (!progress) throw new Error('no progress');
  const call = progress.notification.uuid;
  await world.publish([progress]);
  await until('it is given up', async () => (await notifier.deadLetters.list({ call }, 1)).length === 1);
  endpoint.behave = () => OK;
  expect(await notifier.replay(idOf(progress))).toBe(true);
  await until('it is delivered', () => endpoint.accepted.includes(idOf(progress)));
  expect(await notifier.deadLetters.list({ call }, 1)).toEqual([]);
  expect(await notifier.replay(idOf(progress))).toBe(false);
});

test('too many and too old ones are dropped and counted, and leave the indexes', async () => {
  const redis = world.client();
  const letters = new DeadLetters(redis, 'trim', { max: 3, maxAgeMs: 1_000 }, quiet);
  const keep = (number: number, time: number) => {
    const [progress] = callOf('http://a/b', 1, `call-${number}`);
    if (!progress) throw new Error('no progress');
    const of = { call: `call-${number}`, origin: 'http://a', time, attempts: 1 };
    return letters.keep({ id: idOf(progress), trace: {}, progress, ...of, reason: 'gone', error: 'words' });
  };
  for (let i = 0; i < 5; i++) await keep(i, 100 + i);
  expect(await letters.count()).toBe(3);
  expect(letters.trimmed).toBe(2);
  expect((await letters.list({ origin: 'http://a' }, 9)).map(({ call }) => call)).toEqual([
    'call-4',
    'call-3',
    'call-2',
  ]);
  expect(await letters.list({ call: 'call-0' }, 9)).toEqual([]);

  await letters.trim(1_104);
  expect(await letters.count()).toBe(1);
  expect(letters.trimmed).toBe(4);
  await letters.trim(1_105);
  expect((await redis.keys('trim:*')).sort()).toEqual([]);
  redis.disconnect();
});
