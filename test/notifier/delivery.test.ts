import { randomUUID } from 'node:crypto';
import { Queue } from 'bullmq';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { traceId } from '#libs/telemetry/call-ids.ts';
import { QUEUE } from '#services/notifier/queue.ts';
import { callOf, idOf, idsOf, ofCall, ringing } from './progress.ts';
import { OK, startReceiver } from './receiver.ts';
import { until, World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await World.start();
});
afterAll(() => world[Symbol.asyncDispose]());

test('a notification is a POST with the identity, the time and the trace of its call', async () => {
  await using endpoint = await startReceiver();
  const [progress] = callOf(endpoint.url, 1);
  if (!progress) throw new Error('no progress');
  const at = Date.parse('2026-01-02T03:04:05.678Z');
  await using _ = await world.notifier({}, { now: () => at, random: () => 0.5 });
  await world.publish([progress]);
  await until('it is delivered', () => endpoint.accepted.length === 1);

  const [arrival] = endpoint.arrivals;
  expect(arrival).toMatchObject({
    id: idOf(progress),
    method: 'POST',
    path: '/told',
    notification: progress.notification,
  });
  expect(arrival?.headers).toMatchObject({
    'webhook-timestamp': String(Math.floor(at / 1000)),
    'content-type': expect.stringContaining('application/json'),
  });
  expect(arrival?.headers['traceparent']).toContain(traceId(progress.notification.uuid));
  await world.allAcknowledged();
});

test('with ENDPOINT_METHOD=GET it is a GET with the same as query parameters', async () => {
  await using endpoint = await startReceiver();
  await using _ = await world.notifier({ ENDPOINT_METHOD: 'GET' });
  const progress = ringing(endpoint.url, 'call 1', 'leg 1');
  await world.publish([progress]);
  await until('it is delivered', () => endpoint.accepted.length === 1);
  const [arrival] = endpoint.arrivals;
  const query = new URL(arrival?.path ?? '', endpoint.url).searchParams;
  expect(arrival?.method).toBe('GET');
  expect(Object.fromEntries(query)).toEqual({ ...progress.notification });
});

test('60 calls with every fifth request failing: all delivered, each call in its order', async () => {
  const calls = 60;
  const perCall = 20;
  await using endpoint = await startReceiver(() => (Math.random() < 0.2 ? { status: 500 } : OK));
  const all = Array.from({ length: calls }, () => callOf(endpoint.url, perCall));
  await using _ = await world.notifier({ NOTIFY_CONCURRENCY: '60' });
  for (let i = 0; i < perCall; i++) await world.publish(all.flatMap((call) => call.slice(i, i + 1)));
  await until('all are delivered', () => endpoint.accepted.length === calls * perCall);

  expect(new Set(endpoint.accepted).size).toBe(calls * perCall);
  for (const call of all) {
    const ids = idsOf(call);
    expect(endpoint.accepted.filter((id) => ids.includes(id))).toEqual(ids);
    expect(
      ofCall(
        endpoint.arrivals.map(({ id }) => id),
        call,
      ),
    ).toEqual(ids);
  }
  await world.allAcknowledged();
});

test('different calls are delivered at the same time, one call never twice at once', async () => {
  const together = 16;
  const { promise: allHere, resolve } = Promise.withResolvers<void>();
  const open = new Set<string>();
  let overlaps = 0;
  await using endpoint = await startReceiver(async ({ notification }) => {
    const call = notification?.uuid ?? '';
    if (open.has(call)) overlaps++;
    open.add(call);
    if (open.size === together) resolve();
    await allHere;
    open.delete(call);
    return OK;
  });
  const all = Array.from({ length: together }, () => callOf(endpoint.url, 3));
  await using _ = await world.notifier({ NOTIFY_RESPONSE_TIMEOUT_MS: '10000' });
  await world.publish(all.flat());
  await until('all are delivered', () => endpoint.accepted.length === together * 3);
  expect(overlaps).toBe(0);
});

test('what fails is tried again, and its call goes on only then', async () => {
  await using endpoint = await startReceiver(({ id, time }) =>
    id.includes('leg-0') && time < 4 ? { status: 503 } : OK,
  );
  const call = callOf(endpoint.url, 2);
  const [first = '', second = ''] = idsOf(call);
  await using _ = await world.notifier();
  await world.publish(call);
  await until('both are delivered', () => endpoint.accepted.length === 2);
  expect(endpoint.arrivals.map(({ id }) => id)).toEqual([first, first, first, first, second]);
});

test('Retry-After is kept to, and nobody holds a slot meanwhile', async () => {
  await using endpoint = await startReceiver(({ time }) =>
    time === 1 ? { status: 429, headers: { 'retry-after': '600' } } : OK,
  );
  await using _ = await world.notifier({ NOTIFY_CONCURRENCY: '1' });
  const throttled = callOf(endpoint.url, 1);
  await world.publish(throttled);
  const client = world.client();
  const queue = new Queue(QUEUE, { connection: client, prefix: world.prefix });
  await until('it waits', async () => (await queue.getDelayedCount()) === 1);
  const [job] = await queue.getDelayed();
  expect(job?.delay).toBeGreaterThanOrEqual(599_000);

  endpoint.behave = () => OK;
  const other = callOf(endpoint.url, 1);
  await world.publish(other);
  await until('the only slot serves another call', () => endpoint.accepted.length === 1);
  await job?.promote();
  await until('it is delivered', () => endpoint.accepted.length === 2);
  expect(endpoint.accepted).toEqual([...idsOf(other), ...idsOf(throttled)]);
  await queue.close();
  client.disconnect();
});

test('a notification that comes again, even after it was delivered, is not delivered again', async () => {
  await using endpoint = await startReceiver();
  const [one, last] = callOf(endpoint.url, 2);
  if (!one || !last) throw new Error('no progress');
  await using _ = await world.notifier();
  await world.publishAgain(one);
  await world.publishAgain(one);
  await until('it is delivered', () => endpoint.accepted.length === 1);
  await world.allAcknowledged();
  await world.publishAgain(one);
  await world.publishAgain(last);
  await until('the next is delivered', () => endpoint.accepted.includes(idOf(last)));
  await world.allAcknowledged();
  expect(endpoint.accepted).toEqual(idsOf([one, last]));
});

test('a dead endpoint does not hold up another', async () => {
  const { promise: never } = Promise.withResolvers<typeof OK>();
  await using dead = await startReceiver(() => never);
  await using alive = await startReceiver();
  await using _ = await world.notifier({
    NOTIFY_CONCURRENCY: '4',
    NOTIFY_RESPONSE_TIMEOUT_MS: '2500',
    RETRY_SCHEDULE_MS: '1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1',
    STOP_DEADLINE_MS: '10000',
  });
  await world.publish(Array.from({ length: 40 }, () => callOf(dead.url, 1)).flat());
  await until('the dead one has taken every slot', () => dead.arrivals.length >= 4);
  const living = Array.from({ length: 40 }, () => callOf(alive.url, 1)).flat();
  await world.publish(living);
  await until('the other is told everything', () => alive.accepted.length === living.length);
  // All of the dead one's calls in line before would have taken at least 40 attempts.
  expect(dead.arrivals.length).toBeLessThan(20);
});

test('a message that is not progress is dropped and holds up nothing', async () => {
  await using endpoint = await startReceiver();
  await using _ = await world.notifier();
  await world.publishRaw('{"v":2}');
  await world.publishRaw('not JSON');
  const call = callOf(endpoint.url, 1, randomUUID());
  await world.publish(call);
  await until('the next is delivered', () => endpoint.accepted.includes(idsOf(call)[0] ?? ''));
  await world.allAcknowledged();
});
