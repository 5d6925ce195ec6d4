import { expect, test } from 'vitest';
import { recordLog } from '#test/support/log.ts';
import { NotifierHarness } from '#test/support/notifier/harness.ts';
import { callOf, idsOf, interleaved, ofCall } from '#test/support/notifier/progress.ts';
import { startReceiver } from '#test/support/notifier/receiver.ts';
import { startRedisCluster } from '#test/support/servers/redis-cluster.ts';
import { startRedisName } from '#test/support/servers/redis-name.ts';
import { until } from '#test/support/until.ts';

test.concurrent('a planned failover behind one name that keeps old connections open: the notifier changes to the new primary', {
  timeout: 60_000,
}, async () => {
  await using redis = await startRedisName();
  await using harness = await NotifierHarness.start({ redisUrl: redis.url });
  await using endpoint = await startReceiver();
  const { log, lines } = recordLog();
  await using notifier = await harness.notifier({}, undefined, log);
  await until('it is ready', () => notifier.health().ready);
  const before = [callOf(endpoint.url, 3)];
  await harness.publish(interleaved(before));
  await until('they are delivered', () => endpoint.accepted.length === 3);

  await redis.failOver();
  const since = performance.now();
  const after = Array.from({ length: 10 }, () => callOf(endpoint.url, 3));
  await harness.publish(interleaved(after));
  await until('all are delivered', () => new Set(endpoint.accepted).size === 33);
  const hole = performance.now() - since;
  console.info(`a planned failover behind one name: all delivered after ${Math.round(hole)} ms`);
  expect(hole).toBeLessThan(10_000);
  for (const call of [...before, ...after]) expect(ofCall(endpoint.accepted, call)).toEqual(idsOf(call));
  await harness.allAcknowledged();
  await until('it is ready again', () => notifier.health().ready);
  expect(await redis.first.client('LIST')).not.toContain('name=dialhook-notifier');
  expect(
    lines.filter(({ level }) => Number(level) >= 40 || /warn|error/.test(String(level))).length,
  ).toBeLessThan(60);
});

test.concurrent('REDIS_MODE=standalone with a node of a Redis Cluster: never ready, and a bounded number of log lines', {
  timeout: 60_000,
}, async () => {
  const cluster = await startRedisCluster();
  const [url = ''] = cluster.url.split(',');
  try {
    await using harness = await NotifierHarness.start({ redisUrl: url });
    await using endpoint = await startReceiver();
    const { log, lines } = recordLog();
    await using notifier = await harness.notifier({}, undefined, log);
    await harness.publish(interleaved([callOf(endpoint.url, 3)]));
    await new Promise((resolve) => setTimeout(resolve, 8_000));
    const { ready, checks } = notifier.health();
    expect(ready).toBe(false);
    expect(JSON.stringify(checks)).toContain('set REDIS_MODE=cluster');
    console.info(`standalone with a cluster: ${lines.length} lines in 8 s`);
    expect(lines.length).toBeLessThan(50);
  } finally {
    await cluster.stop();
  }
});

test.concurrent('a primary of a Redis Cluster is killed: its replica takes over, and nothing is lost or out of order', {
  timeout: 90_000,
}, async ({ expect }) => {
  const cluster = await startRedisCluster({ replicas: 1 });
  try {
    await using harness = await NotifierHarness.start({ redisUrl: cluster.url, redisMode: 'cluster' });
    let time = 0;
    // Some notifications wait for a retry when the primary dies.
    await using endpoint = await startReceiver(() => (++time % 3 === 0 ? { status: 503 } : { status: 200 }));
    const { log, lines } = recordLog();
    await using notifier = await harness.notifier(
      { REDIS_WAIT_REPLICAS: '1', TAKEOVER_MS: '2000' },
      undefined,
      log,
    );
    await until('it is ready', () => notifier.health().ready);
    const calls = Array.from({ length: 40 }, () => callOf(endpoint.url, 3));
    await harness.publish(interleaved(calls.slice(0, 20)));
    const since = performance.now();
    await cluster.killPrimary();
    await harness.publish(interleaved(calls.slice(20)));
    await expect.poll(() => new Set(endpoint.accepted).size, { timeout: 60_000 }).toBe(120);
    console.info(
      `a primary of a cluster killed: all delivered after ${Math.round(performance.now() - since)} ms, ${lines.length} lines`,
    );
    for (const call of calls) expect(ofCall(endpoint.accepted, call)).toEqual(idsOf(call));
    await harness.allAcknowledged();
    await until('it is ready again', () => notifier.health().ready);
  } finally {
    await cluster.stop();
  }
});
