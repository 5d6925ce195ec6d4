import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Backlog } from '#libs/queue/backlog.ts';
import { entryOf, writeEntry } from '#libs/queue/entry.ts';
import { openQueue } from '#libs/queue/queue.ts';
import { Direct } from '#services/notifier/direct.ts';
import { Drain } from '#services/notifier/drain.ts';
import { ReaderLease } from '#services/notifier/reader-lease.ts';
import { Slots } from '#services/notifier/slots.ts';
import { quietLog } from '#test/support/log.ts';
import { callOf, idOf, idsOf } from '#test/support/notifier/progress.ts';
import { startHoldingReceiver } from '#test/support/notifier/receiver.ts';
import { World } from '#test/support/notifier/world.ts';
import { until } from '#test/support/until.ts';

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

const HOLD_MS = 60_000;

/** A backlog of its own with a call of two entries, as the one who reads adds them. */
async function backlogOfTwo() {
  const redis = world.client();
  const prefix = randomUUID();
  const backlog = new Backlog(redis, prefix);
  const lease = { key: `${prefix}:reader`, holder: 'a reader' };
  await redis.set(lease.key, lease.holder);
  const call = randomUUID();
  const additions = callOf('http://endpoint/', 2, call).map((progress, order) => {
    const entry = entryOf(progress, order, {});
    return { entry, text: writeEntry(entry), token: `a reader:${order}` };
  });
  const append = () => backlog.append(lease, additions, { dedupMs: HOLD_MS, holdMs: HOLD_MS });
  return { redis, backlog, call, append, texts: additions.map(({ text }) => text) };
}

test('what is added again, as Redis had answered into the void, is held still', async () => {
  const { append } = await backlogOfTwo();
  expect(await append()).toEqual(['mine', 'held']);
  expect(await append()).toEqual(['mine', 'repeat']);
});

test('a hold is renewed with each entry that is settled, ends with the last, and lets nobody else settle', async () => {
  const { redis, backlog, call, append, texts } = await backlogOfTwo();
  const [first = '', second = ''] = texts;
  await append();
  const key = backlog.holdKey(call);
  const lock = { key, token: 'a reader:0', holdMs: HOLD_MS };
  await redis.pexpire(key, HOLD_MS / 2);
  await expect(backlog.settle(call, first, { ...lock, token: 'another' })).rejects.toThrow('LOCKLOST');
  expect(await backlog.settle(call, first, lock)).toBe(second);
  expect(await redis.pttl(key)).toBeGreaterThan(HOLD_MS / 2);
  expect(await backlog.settle(call, second, lock)).toBeUndefined();
  expect(await redis.exists(key)).toBe(0);
});

test('what could not be stored, as another reads now, takes no slot', async () => {
  const { redis, backlog } = await backlogOfTwo();
  const [slots, lease] = [new Slots(8), new ReaderLease(redis, randomUUID(), 'not the reader', HOLD_MS)];
  const times = { dedupMs: HOLD_MS, holdMs: HOLD_MS };
  const queue = openQueue(redis, world.prefix);
  const drain = new Drain(backlog, undefined as never);
  const direct = new Direct({ backlog, times, queue, lease, drain, slots, log: quietLog });
  const entries = callOf('http://endpoint/', 2).map((progress, order) => entryOf(progress, order, {}));
  await expect(direct.store(entries)).rejects.toThrow('LEASELOST');
  expect(slots.used).toBe(0);
  await queue.close();
});

test('a stop waits for what is on its way, and the stream need not keep it', async () => {
  const { endpoint, letGo } = await startHoldingReceiver();
  await using _ = endpoint;
  const notifier = await world.notifier({ NOTIFY_RESPONSE_TIMEOUT_MS: '15000' });
  const [one] = callOf(endpoint.url, 1);
  if (!one) throw new Error('no progress');
  await world.publish([one]);
  await until('it is on its way', () => endpoint.arrivals.length === 1);
  const stopped = notifier.stop();
  await until('others may read', async () => (await world.client().exists(`${world.prefix}:reader`)) === 0);
  letGo();
  await stopped;
  expect((await world.stream()).messages).toBe(0);
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
