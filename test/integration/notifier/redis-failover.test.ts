import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { NotifierHarness } from '#test/support/notifier/harness.ts';
import { callOf, idsOf, interleaved, ofCall } from '#test/support/notifier/progress.ts';
import { OK, startReceiver } from '#test/support/notifier/receiver.ts';
import { startMonitoredRedis } from '#test/support/servers/redis-sentinel.ts';
import { until } from '#test/support/until.ts';

const CUT_OFF_MS = 1_500;

test('an endpoint is at 503, the replica is cut off, the primary is killed: the failover loses nothing', {
  timeout: 120_000,
}, async () => {
  await using redis = await startMonitoredRedis();
  await using harness = await NotifierHarness.start({ redisUrl: redis.url, redisMode: 'sentinel' });
  let up = false;
  await using endpoint = await startReceiver(() => (up ? OK : { status: 503 }));
  await using notifier = await harness.notifier({
    REDIS_SENTINEL_NAME: redis.name,
    REDIS_WAIT_REPLICAS: '1',
    TAKEOVER_MS: '2000',
    THROTTLE_FIRST_MS: '200',
    THROTTLE_MAX_MS: '500',
    RETRY_SCHEDULE_MS: Array.from({ length: 30 }, () => '500').join(','),
  });
  await until('it is ready', () => notifier.health().ready);
  const [before, during] = [10, 20].map((count) =>
    Array.from({ length: count }, () => callOf(endpoint.url, 3)),
  );
  if (!before || !during) throw new Error('no calls');
  await harness.publish(interleaved(before));
  await until('all are left to the retry queue', async () => (await harness.stream()).messages === 0);

  redis.pauseReplica();
  await harness.publish(interleaved(during));
  await sleep(CUT_OFF_MS);
  expect((await harness.stream()).messages, 'JetStream keeps what no replica has').toBe(60);
  redis.killPrimary();
  redis.resumeReplica();
  const killedAt = performance.now();
  await until('the replica is the primary', async () =>
    (await redis.replica.info('replication')).includes('role:master'),
  );
  up = true;
  // BullMQ needs some seconds to notice stalled jobs, and its worker may have to be replaced.
  await until('all are delivered', () => new Set(endpoint.accepted).size === 90);
  console.info(`all were delivered ${Math.round(performance.now() - killedAt)} ms after the kill`);
  for (const call of [...before, ...during]) expect(ofCall(endpoint.accepted, call)).toEqual(idsOf(call));
  await harness.allAcknowledged();
});
