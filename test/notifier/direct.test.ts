import { afterAll, beforeAll, expect, test } from 'vitest';
import { Backlog } from '#libs/queue/backlog.ts';
import { entryOf, writeEntry } from '#libs/queue/entry.ts';
import { openQueue } from '#libs/queue/queue.ts';
import { callOf, idOf, idsOf } from './progress.ts';
import { startHoldingReceiver } from './receiver.ts';
import { until, World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await World.start();
});
afterAll(() => world[Symbol.asyncDispose]());

const held = async () => (await world.client().keys(`${world.prefix}:held:*`)).length;

test('the stream keeps what is on its way, and the call is held, until it is delivered', async () => {
  const { endpoint, letGo } = await startHoldingReceiver();
  await using _ = endpoint;
  await using __ = await world.notifier({ NOTIFY_RESPONSE_TIMEOUT_MS: '15000' });
  const call = callOf(endpoint.url, 3);
  await world.publish(call);
  await until('it is on its way', () => endpoint.arrivals.length === 1);
  await until('all have been read', async () => (await world.stream()).notAcknowledged === 3);
  expect(await held()).toBe(1);
  letGo();
  await world.allAcknowledged();
  expect(endpoint.accepted).toEqual(idsOf(call));
  await until('nobody holds it', async () => (await held()) === 0);
});

test('a job that is woken for a call that is held waits, and then finds nothing to do', async () => {
  const { endpoint, letGo } = await startHoldingReceiver();
  await using _ = endpoint;
  await using __ = await world.notifier({ NOTIFY_RESPONSE_TIMEOUT_MS: '15000' });
  const queue = openQueue(world.client(), world.prefix);
  const [one, next] = callOf(endpoint.url, 2);
  if (!one || !next) throw new Error('no progress');
  await world.publish([one]);
  await until('it is on its way', () => endpoint.arrivals.length === 1);
  await world.publishAgain(one);
  await until('its job waits', async () => (await queue.getDelayedCount()) === 1);
  await world.publish([next]);
  letGo();
  await until('both are delivered', () => endpoint.accepted.length === 2);
  await until('the job is over', async () => (await queue.getDelayedCount()) === 0);
  expect(endpoint.arrivals.map(({ id }) => id)).toEqual([idOf(one), idOf(next)]);
  await world.allAcknowledged();
  await queue.close();
});

test('what is added again, as Redis had answered into the void, is held still', async () => {
  const redis = world.client();
  const backlog = new Backlog(redis, 'other');
  const lease = { key: 'other:reader', holder: 'a reader' };
  await redis.set(lease.key, lease.holder);
  const additions = callOf('http://endpoint/', 2).map((progress, order) => {
    const entry = entryOf(progress, order, {});
    return { entry, text: writeEntry(entry), token: `a reader:${order}` };
  });
  const append = () => backlog.append(lease, additions, { dedupMs: 60_000, holdMs: 60_000 });
  expect(await append()).toEqual(['mine', 'held']);
  expect(await append()).toEqual(['mine', 'repeat']);
});

test('what an endpoint in trouble is to be told is left to jobs, though it comes from a healthy call', async () => {
  const { endpoint, letGo } = await startHoldingReceiver();
  await using _ = endpoint;
  const endpoints = world.endpoints();
  const rules = { attemptMs: 1_000, offAfterMs: 86_400_000, forgetMs: 86_400_000 };
  const failure = { probe: false, error: 'once', throttleMs: undefined };
  await endpoints.failed(new URL(endpoint.url).origin, failure, rules);
  await using __ = await world.notifier({ NOTIFY_RESPONSE_TIMEOUT_MS: '15000' });
  const call = callOf(endpoint.url, 1);
  await world.publish(call);
  await until('it is on its way', () => endpoint.arrivals.length === 1);
  await world.allAcknowledged();
  expect(await held()).toBe(0);
  letGo();
  await until('it is delivered', () => endpoint.accepted.length === 1);
  await until('the endpoint is healthy', async () => (await endpoints.list()).length === 0);
});
