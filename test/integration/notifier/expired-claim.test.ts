import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { NO_TIMELINE } from '#libs/bus/timeline.ts';
import { partitionOf } from '#libs/contract/partition.ts';
import { EndpointClient } from '#libs/http/client.ts';
import { endpointOptions } from '#libs/http/settings.ts';
import { SetAside } from '#libs/isolation/set-aside.ts';
import { Claims } from '#libs/queue/claims.ts';
import { DeadLetters } from '#libs/queue/dead-letters.ts';
import { EndpointState } from '#libs/queue/endpoint-state.ts';
import { entryOf } from '#libs/queue/entry.ts';
import { callKeys, leaseKey } from '#libs/queue/keys.ts';
import { Replication } from '#libs/queue/replication.ts';
import { openRetryQueue } from '#libs/queue/retry-queue.ts';
import { Attempts } from '#services/notifier/attempt.ts';
import { CallDelivery } from '#services/notifier/call-delivery.ts';
import { systemClock } from '#services/notifier/clock.ts';
import { readNotifierConfig } from '#services/notifier/config.ts';
import { Delivery } from '#services/notifier/delivery.ts';
import { Dispatcher } from '#services/notifier/dispatcher.ts';
import { EndpointAdmission } from '#services/notifier/endpoint-admission.ts';
import { DeliveryLimiter } from '#services/notifier/limiter.ts';
import { recordLog } from '#test/support/log.ts';
import { NotifierHarness } from '#test/support/notifier/harness.ts';
import { callOf } from '#test/support/notifier/progress.ts';
import { startReceiver } from '#test/support/notifier/receiver.ts';

const INSTANCE = 'a reader';
const CLAIM_MS = 60_000;

let harness: NotifierHarness;
beforeAll(async () => {
  harness = await NotifierHarness.start();
});
afterAll(() => harness[Symbol.asyncDispose]());

/** Direct delivery without a reader and a worker, for one call whose attempts take up to `attemptMs`. */
async function dispatcherFor(url: string, attemptMs: number) {
  const redis = harness.client();
  const prefix = randomUUID();
  const queue = openRetryQueue(redis, prefix);
  const { log, lines } = recordLog();
  const client = new EndpointClient({
    ...{ maxBodyBytes: 1_024, keepAliveMs: 1_000, maxConnectionsPerOrigin: 8, maxIdleConnections: 8 },
    ...endpointOptions(readNotifierConfig(harness.env())),
    userAgent: 'test',
  });
  const timeouts = { method: 'POST', connectTimeoutMs: 1_000, responseTimeoutMs: 15_000 } as const;
  const limiter = new DeliveryLimiter(8);
  const endpoints = new EndpointState(redis, prefix);
  const replication = new Replication(redis, prefix, INSTANCE, 0);
  const claims = new Claims(redis, prefix, { dedupMs: CLAIM_MS, claimMs: CLAIM_MS });
  const admission = {
    throttle: { firstMs: 1, maxMs: 1, retryAfterMaxMs: 1, jitter: 0 },
    disable: { attemptMs, disableAfterMs: CLAIM_MS, forgetMs: CLAIM_MS },
  };
  const delivery = new Delivery({
    attempts: new Attempts(client, timeouts, systemClock),
    deadLetters: new DeadLetters(redis, prefix),
    replication,
    admission: new EndpointAdmission(endpoints, limiter, admission, systemClock, log),
    retry: { scheduleMs: [600_000], jitter: 0 },
    clock: systemClock,
    log,
    timeline: NO_TIMELINE,
  });
  const calls = new CallDelivery(claims, delivery, attemptMs, new SetAside(log), log);
  const parts = { claims, replication, queue, endpoints, limiter, delivery: calls, log, instance: INSTANCE };
  const dispatcher = new Dispatcher(parts);
  const [progress] = callOf(url, 1);
  if (!progress) throw new Error('no progress');
  const { uuid } = progress.notification;
  const partition = partitionOf(uuid);
  await redis.set(leaseKey(prefix, partition), INSTANCE);
  const deliver = async () => {
    const [receipt] = await dispatcher.dispatch(partition, [entryOf(progress, 0, {})]);
    await receipt?.safe;
    await dispatcher.settled();
  };
  return {
    ...{ deliver, limiter, lines, claims, redis, uuid, queue, keys: callKeys(prefix, uuid) },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([queue.close(), client.close()]);
    },
  };
}

test('a direct delivery whose claim could expire during the attempt is left to the retry job', async () => {
  await using endpoint = await startReceiver();
  await using direct = await dispatcherFor(endpoint.url, 2 * CLAIM_MS);
  await direct.deliver();
  expect(endpoint.arrivals).toEqual([]);
  expect(direct.limiter.inFlight).toBe(0);
  expect(await direct.queue.getJobCountByTypes('wait', 'delayed')).toBe(1);
  expect(await direct.claims.claim(direct.uuid, 'job')).toMatchObject({
    kind: 'claimed',
    first: { entry: { attempts: 0 } },
  });
});

test('an attempt that took longer than its claim is logged, because it is not counted', async () => {
  let expire = async () => {};
  await using endpoint = await startReceiver(async () => {
    await expire();
    return { status: 500 };
  });
  await using direct = await dispatcherFor(endpoint.url, 1_000);
  const { redis, keys, lines, uuid } = direct;
  expire = async () => void (await redis.set(keys.claim, 'another'));
  await direct.deliver();
  expect(lines.filter(({ event }) => event === 'delivery.claim_lost')).toMatchObject([
    { call: uuid, notification: endpoint.arrivals[0]?.id, attempt: 1 },
  ]);
  expect(await redis.get(keys.claim)).toBe('another');
});
