import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ProgressEvent } from '#libs/contract/messages.ts';
import { PARTITIONS } from '#libs/contract/partition.ts';
import { Claims } from '#libs/queue/claims.ts';
import { EndpointState } from '#libs/queue/endpoint-state.ts';
import { entryOf } from '#libs/queue/entry.ts';
import { leaseKey } from '#libs/queue/keys.ts';
import { Replication } from '#libs/queue/replication.ts';
import { openRetryQueue, wakeCalls } from '#libs/queue/retry-queue.ts';
import { Dispatcher } from '#services/notifier/dispatcher.ts';
import { DeliveryLimiter } from '#services/notifier/limiter.ts';
import { quietLog } from '#test/support/log.ts';
import { NotifierHarness } from '#test/support/notifier/harness.ts';
import { callOf, idOf, idsOf, sibling } from '#test/support/notifier/progress.ts';
import { OK, startHoldingReceiver, startReceiver } from '#test/support/notifier/receiver.ts';
import { until } from '#test/support/until.ts';

let harness: NotifierHarness;
beforeAll(async () => {
  harness = await NotifierHarness.start();
});
afterAll(() => harness[Symbol.asyncDispose]());

const claimed = async () => (await harness.client().keys(`{${harness.prefix}:*}:claim:*`)).length;

test('JetStream keeps notifications, and their call is claimed, until they are delivered', async () => {
  const { endpoint, letGo } = await startHoldingReceiver();
  await using _ = endpoint;
  await using __ = await harness.notifier({ NOTIFY_RESPONSE_TIMEOUT_MS: '15000' });
  const call = callOf(endpoint.url, 3);
  await harness.publish(call);
  await until('one is in flight', () => endpoint.arrivals.length === 1);
  await until('all have been read', async () => (await harness.stream()).notAcknowledged === 3);
  expect(await claimed()).toBe(1);
  letGo();
  await harness.allAcknowledged();
  expect(endpoint.accepted).toEqual(idsOf(call));
  await until('the claim is gone', async () => (await claimed()) === 0);
});

test('a retry job of a claimed call waits, and then finds nothing to do', async () => {
  const { endpoint, letGo } = await startHoldingReceiver();
  await using _ = endpoint;
  await using __ = await harness.notifier({ NOTIFY_RESPONSE_TIMEOUT_MS: '15000' });
  const queue = openRetryQueue(harness.client(), harness.prefix);
  const [one, next] = callOf(endpoint.url, 2);
  if (!one || !next) throw new Error('no progress');
  await harness.publish([one]);
  await until('one is in flight', () => endpoint.arrivals.length === 1);
  await wakeCalls(queue, [one.notification.uuid]);
  await until('its job waits', async () => (await queue.getDelayedCount()) === 1);
  await harness.publish([next]);
  letGo();
  await until('both are delivered', () => endpoint.accepted.length === 2);
  await until('the job is done', async () => (await queue.getDelayedCount()) === 0);
  expect(endpoint.arrivals.map(({ id }) => id)).toEqual([idOf(one), idOf(next)]);
  await harness.allAcknowledged();
  await queue.close();
});

test('a duplicate of a notification in flight makes the next attempt no earlier', async () => {
  const { promise: go, resolve: letGo } = Promise.withResolvers<void>();
  await using endpoint = await startReceiver(async ({ id }) => {
    await go;
    return id === idOf(one) ? { status: 500 } : OK;
  });
  const [one] = callOf(endpoint.url, 1) as [ProgressEvent];
  const { uuid } = one.notification;
  const schedule = { RETRY_SCHEDULE_MS: '600000', RETRY_JITTER: '0' };
  await using _ = await harness.notifier({ NOTIFY_RESPONSE_TIMEOUT_MS: '15000', ...schedule });
  await harness.publish([one]);
  await until('it is in flight', () => endpoint.arrivals.length === 1);
  await harness.publishAgain(one);
  const [next] = callOf(endpoint.url, 1, sibling(uuid)) as [ProgressEvent];
  await harness.publish([next]);
  await until('all have been read', () => endpoint.arrivals.length === 2);
  letGo();
  const queue = openRetryQueue(harness.client(), harness.prefix);
  const delayed = async () => (await queue.getDelayed()).filter(({ data }) => data.call === uuid);
  await until('its job waits', async () => (await delayed()).length === 1);
  expect((await delayed())[0]?.delay).toBe(600_000);
  await harness.allAcknowledged();
  await harness.endpoints().enable(new URL(endpoint.url).origin);
  await queue.close();
});

test('notifications that could not be stored leave the limiter', async () => {
  const redis = harness.client();
  const limiter = new DeliveryLimiter(8);
  const queue = openRetryQueue(redis, harness.prefix);
  const dispatcher = new Dispatcher({
    claims: new Claims(redis, harness.prefix, { dedupMs: 1_000, claimMs: 1_000 }),
    replication: new Replication(redis, harness.prefix, 'test', 0),
    queue,
    endpoints: new EndpointState(redis, harness.prefix),
    limiter,
    delivery: undefined as never,
    log: quietLog,
    instance: 'not the reader',
  });
  const entries = callOf('http://endpoint/', 2).map((progress, order) => entryOf(progress, order, {}));
  await expect(dispatcher.dispatch(0, entries)).rejects.toThrow('LEASELOST');
  expect(limiter.inFlight).toBe(0);
  await queue.close();
});

test('a stop waits for the delivery in flight and acknowledges it', async () => {
  const { endpoint, letGo } = await startHoldingReceiver();
  await using _ = endpoint;
  const notifier = await harness.notifier({ NOTIFY_RESPONSE_TIMEOUT_MS: '15000' });
  const [one] = callOf(endpoint.url, 1, randomUUID());
  if (!one) throw new Error('no progress');
  await harness.publish([one]);
  await until('it is in flight', () => endpoint.arrivals.length === 1);
  const stopped = notifier.stop();
  const leases = Array.from({ length: PARTITIONS }, (_, partition) => leaseKey(harness.prefix, partition));
  await until('the partitions are free', async () => (await harness.client().exists(...leases)) === 0);
  letGo();
  await stopped;
  expect((await harness.stream()).messages).toBe(0);
});

test('an endpoint that was healthy and has been disabled gets nothing, and everything after it is enabled', async () => {
  await using endpoint = await startReceiver();
  const { origin } = new URL(endpoint.url);
  const endpoints = harness.endpoints();
  await using _ = await harness.notifier({ NOTIFY_CONCURRENCY: '1' });
  const [before, disabled, after] = [1, 2, 3].map(() => callOf(endpoint.url, 1));
  if (!before || !disabled || !after) throw new Error('no calls');
  await harness.publish(before);
  await until('one is delivered', () => endpoint.accepted.length === 1);
  await endpoints.disable(origin);
  await harness.publish(disabled);
  await harness.allAcknowledged();
  await endpoints.enable(origin);
  await harness.publish(after);
  await until('the last is delivered', () => endpoint.accepted.length === 2);
  expect(endpoint.arrivals.map(({ id }) => id)).toEqual(idsOf([...before, ...after]));
});

test('notifications for an endpoint that has failed go through retry jobs', async () => {
  const { endpoint, letGo } = await startHoldingReceiver();
  await using _ = endpoint;
  const endpoints = harness.endpoints();
  const policy = { attemptMs: 1_000, disableAfterMs: 86_400_000, forgetMs: 86_400_000 };
  const failure = { probe: false, error: 'once', throttleMs: undefined };
  await endpoints.failed(new URL(endpoint.url).origin, failure, policy);
  await using __ = await harness.notifier({ NOTIFY_RESPONSE_TIMEOUT_MS: '15000' });
  await harness.publish(callOf(endpoint.url, 1));
  await until('it is in flight', () => endpoint.arrivals.length === 1);
  // A retry job has it: JetStream need not keep it.
  await harness.allAcknowledged();
  letGo();
  await until('it is delivered', () => endpoint.accepted.length === 1);
  await until('the endpoint is healthy', async () => (await endpoints.list()).length === 0);
});
