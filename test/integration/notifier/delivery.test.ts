import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { traceId } from '#libs/telemetry/call-ids.ts';
import { NotifierHarness } from '#test/support/notifier/harness.ts';
import { callOf, idOf, idsOf, ofCall, ringing } from '#test/support/notifier/progress.ts';
import { OK, startReceiver } from '#test/support/notifier/receiver.ts';
import { until } from '#test/support/until.ts';

let harness: NotifierHarness;
beforeAll(async () => {
  harness = await NotifierHarness.start();
});
afterAll(() => harness[Symbol.asyncDispose]());

test('a notification is a POST with the identity, the time and the trace of its call', async () => {
  await using endpoint = await startReceiver();
  const [progress] = callOf(endpoint.url, 1);
  if (!progress) throw new Error('no progress');
  const at = Date.parse('2026-01-02T03:04:05.678Z');
  await using _ = await harness.notifier({}, { now: () => at, random: () => 0.5 });
  await harness.publish([progress]);
  await until('it is delivered', () => endpoint.accepted.length === 1);

  const [arrival] = endpoint.arrivals;
  expect(arrival).toMatchObject({
    id: idOf(progress),
    method: 'POST',
    path: '/notifications',
    notification: progress.notification,
  });
  expect(arrival?.headers).toMatchObject({
    'webhook-timestamp': String(Math.floor(at / 1000)),
    'content-type': expect.stringContaining('application/json'),
  });
  expect(arrival?.headers['traceparent']).toContain(traceId(progress.notification.uuid));
  await harness.allAcknowledged();
});

test('with ENDPOINT_METHOD=GET a notification is a GET with the fields as query parameters', async () => {
  await using endpoint = await startReceiver();
  await using _ = await harness.notifier({ ENDPOINT_METHOD: 'GET' });
  const progress = ringing(endpoint.url, 'call-1', 'leg-1');
  await harness.publish([progress]);
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
  await using _ = await harness.notifier({ NOTIFY_CONCURRENCY: '60' });
  for (let i = 0; i < perCall; i++) await harness.publish(all.flatMap((call) => call.slice(i, i + 1)));
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
  await harness.allAcknowledged();
});

test('different calls are delivered concurrently, one call never twice at once', async () => {
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
  await using _ = await harness.notifier({ NOTIFY_RESPONSE_TIMEOUT_MS: '10000' });
  await harness.publish(all.flat());
  await until('all are delivered', () => endpoint.accepted.length === together * 3);
  expect(overlaps).toBe(0);
});

test('a failed notification is retried, and those behind it wait', async () => {
  await using endpoint = await startReceiver(({ id, time }) =>
    id.includes('leg-0') && time < 4 ? { status: 503 } : OK,
  );
  const call = callOf(endpoint.url, 2);
  const [first = '', second = ''] = idsOf(call);
  await using _ = await harness.notifier();
  await harness.publish(call);
  await until('both are delivered', () => endpoint.accepted.length === 2);
  expect(endpoint.arrivals.map(({ id }) => id)).toEqual([first, first, first, first, second]);
});

test('a call whose first notification always fails does not delay other calls of its endpoint', async () => {
  const stuck = callOf('http://unused', 3);
  const [first = ''] = idsOf(stuck);
  await using endpoint = await startReceiver(({ id }) => (id === first ? { status: 500 } : OK));
  await using _ = await harness.notifier({
    NOTIFY_CONCURRENCY: '2',
    RETRY_SCHEDULE_MS: Array(32).fill('50').join(','),
  });
  await harness.publish(stuck.map((progress) => ({ ...progress, url: endpoint.url })));
  await until('it is stuck', () => endpoint.arrivals.length > 1);
  const others = Array.from({ length: 20 }, () => callOf(endpoint.url, 3)).flat();
  await harness.publish(others);
  await until('the others are delivered', () => endpoint.accepted.length === others.length);
  expect(endpoint.accepted.some((id) => idsOf(stuck).includes(id))).toBe(false);
});

test('a duplicate is not delivered again, even after the first was delivered', async () => {
  await using endpoint = await startReceiver();
  const [one, last] = callOf(endpoint.url, 2);
  if (!one || !last) throw new Error('no progress');
  await using _ = await harness.notifier();
  await harness.publishAgain(one);
  await harness.publishAgain(one);
  await until('it is delivered', () => endpoint.accepted.length === 1);
  await harness.allAcknowledged();
  await harness.publishAgain(one);
  await harness.publishAgain(last);
  await until('the next is delivered', () => endpoint.accepted.includes(idOf(last)));
  await harness.allAcknowledged();
  expect(endpoint.accepted).toEqual(idsOf([one, last]));
});

test('endpoints that never answer delay no other endpoint', async () => {
  const { promise: never } = Promise.withResolvers<typeof OK>();
  await using dead = await startReceiver(() => never);
  await using deadToo = await startReceiver(() => never);
  await using alive = await startReceiver();
  await using _ = await harness.notifier({
    NOTIFY_CONCURRENCY: '8',
    NOTIFY_RESPONSE_TIMEOUT_MS: '15000',
  });
  const some = (url: string) => Array.from({ length: 40 }, () => callOf(url, 1)).flat();
  await harness.publish(some(dead.url));
  await until('one has what it may have', () => dead.arrivals.length === 4);
  await harness.publish(some(deadToo.url));
  await until('so has the other', () => deadToo.arrivals.length === 2);
  const living = some(alive.url);
  await harness.publish(living);
  await until('the third gets everything', () => alive.accepted.length === living.length);
  expect([dead.arrivals.length, deadToo.arrivals.length]).toEqual([4, 2]);
  // Before the notifier, which would wait for them to answer.
  await Promise.all([dead[Symbol.asyncDispose](), deadToo[Symbol.asyncDispose]()]);
});

test('an invalid message is removed and delays nothing', async () => {
  await using endpoint = await startReceiver();
  await using _ = await harness.notifier();
  const uuid = randomUUID();
  await harness.publishRaw('{"v":2}', uuid);
  await harness.publishRaw('not JSON', uuid);
  const call = callOf(endpoint.url, 1, uuid);
  await harness.publish(call);
  await until('the next is delivered', () => endpoint.accepted.includes(idsOf(call)[0] ?? ''));
  await harness.allAcknowledged();
});
