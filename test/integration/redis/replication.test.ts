import { Cluster } from 'ioredis';
import { test } from 'vitest';
import { PARTITIONS } from '#libs/contract/partition.ts';
import { Replication } from '#libs/queue/replication.ts';
import { startRedisCluster } from '#test/support/servers/redis-cluster.ts';
import { until } from '#test/support/until.ts';

const SLOTS = Array.from({ length: PARTITIONS }, (_, partition) => partition);

test('replicas of a Redis Cluster confirm again after a master was killed and has come back', {
  timeout: 60_000,
}, async () => {
  const cluster = await startRedisCluster({ replicas: 1 });
  const redis = new Cluster(
    cluster.url.split(',').map((url) => ({ host: '127.0.0.1', port: Number(new URL(url).port) })),
  );
  const replication = new Replication(redis, 'test', 'one', 1);
  try {
    const confirmed = () => replication.confirm(replication.now(), SLOTS);
    await until('they confirm', confirmed);
    await cluster.killPrimary();
    await cluster.startAgain();
    await until('they confirm again', confirmed);
  } finally {
    replication.close();
    redis.disconnect();
    await cluster.stop();
  }
});
