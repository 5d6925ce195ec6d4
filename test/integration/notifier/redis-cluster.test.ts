import { afterAll, beforeAll, expect, test } from 'vitest';
import { DeadLetters } from '#libs/queue/dead-letters.ts';
import { EndpointState } from '#libs/queue/endpoint-state.ts';
import { withRedis } from '#libs/queue/redis.ts';
import { replay } from '#libs/queue/replay.ts';
import { readNotifierConfig } from '#services/notifier/config.ts';
import { recordLog } from '#test/support/log.ts';
import { NotifierHarness } from '#test/support/notifier/harness.ts';
import { callOf, idsOf, interleaved, ofCall } from '#test/support/notifier/progress.ts';
import { OK, startReceiver } from '#test/support/notifier/receiver.ts';
import { type RedisCluster, startRedisCluster } from '#test/support/servers/redis-cluster.ts';
import { until } from '#test/support/until.ts';

let cluster: RedisCluster;
let harness: NotifierHarness;
beforeAll(async () => {
  cluster = await startRedisCluster();
  harness = await NotifierHarness.start({ redisUrl: cluster.url, redisMode: 'cluster' });
}, 30_000);
afterAll(async () => {
  await harness[Symbol.asyncDispose]();
  await cluster.stop();
});

test('on a Redis Cluster all ways of delivering work, and no script crosses slots', {
  timeout: 60_000,
}, async () => {
  // Direct deliveries, retries, dead letters, and an endpoint that is throttled.
  await using endpoint = await startReceiver(({ id, time }) => {
    if (id.includes('leg-3')) return { status: 410 };
    return id.includes('leg-1') && time < 3 ? { status: 503 } : OK;
  });
  const { log, lines } = recordLog();
  await using first = await harness.notifier({}, undefined, log);
  await using second = await harness.notifier({}, undefined, log);
  await until('both are ready', () => first.health().ready && second.health().ready);
  const all = Array.from({ length: 30 }, () => callOf(endpoint.url, 5));
  await harness.publish(interleaved(all));
  await until('all are delivered or dead', () => endpoint.accepted.length === 30 * 4);
  for (const call of all)
    expect(ofCall(endpoint.accepted, call)).toEqual(idsOf(call).filter((id) => !id.includes('leg-3')));
  await harness.allAcknowledged();
  const keys = await cluster.keysByMaster();
  for (const some of keys) expect(some.length).toBeGreaterThan(0);

  endpoint.behave = () => OK;
  await withRedis(readNotifierConfig(harness.env()), async (redis) => {
    const letters = new DeadLetters(redis, harness.prefix);
    await until('all dead letters are kept', async () => (await letters.count()) === 30);
    expect((await replay(redis, harness.prefix, {})).sent).toBe(30);
    await until('they are delivered', () => endpoint.accepted.length === 30 * 5);
    expect(await letters.count()).toBe(0);
    const endpoints = new EndpointState(redis, harness.prefix);
    await endpoints.disable('http://a.example');
    expect(await endpoints.list()).toMatchObject([{ origin: 'http://a.example', state: 'disabled' }]);
    expect(await endpoints.enable('http://a.example')).toBe(true);
  });
  expect(lines.filter((line) => /CROSSSLOT|MOVED/.test(JSON.stringify(line)))).toEqual([]);
  expect((await cluster.errorStats()).join()).not.toContain('CROSSSLOT');
  const errors = ['queue.error', 'delivery.failed', 'stream.read_failed', 'stream.lease_failed'];
  expect(lines.filter(({ event }) => errors.includes(event))).toEqual([]);
});
