import { join } from 'node:path';
import { jetstream } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { Child } from './child.ts';
import { BenchCluster } from './cluster.ts';
import { DirectClient } from './direct-client.ts';
import { type Figure, figureOf } from './figure.ts';
import { closedLoop } from './load.ts';
import { inBatches, notifications, publish, timed } from './notifications.ts';
import type { Options } from './options.ts';

const CONCURRENCY = 256;
const GOAL = { atLeast: 0.7 };

/** JetStream, BullMQ and HTTP; baseline BullMQ jobs and workers for the same posts; and the posts alone. */
export async function notify({ rounds, scale }: Options): Promise<Figure[]> {
  const n = Math.ceil(9_000 * scale);
  const cluster = await BenchCluster.start({ nodes: 0, routers: 0 });
  const { endpoint, servers } = cluster;
  const url = `http://127.0.0.1:${endpoint.port}/`;
  const nats = await connect({ servers: servers.nats });
  const stream = jetstream(nats);
  const args = [servers.redis, String(endpoint.port), String(CONCURRENCY)];
  const worker = new Child('baseline worker', [join(import.meta.dirname, 'baseline-worker.ts'), ...args]);
  await worker.request('ready');
  const redis = new Redis(servers.redis, { maxRetriesPerRequest: null });
  const queue = new Queue('baseline', { connection: redis });
  const direct = new DirectClient(endpoint.port, CONCURRENCY);

  const ours = () =>
    timed(endpoint, n, cluster.pids('notifier', 'redis', 'nats'), () =>
      publish(stream, url, notifications(n)),
    );
  const baseline = () =>
    timed(endpoint, n, [worker.pid, ...cluster.pids('redis')], () =>
      inBatches(notifications(n), (batch) =>
        queue.addBulk(batch.map((data) => ({ name: 'post', data, opts: { removeOnComplete: true } }))),
      ),
    );
  const alone = () => {
    const all = notifications(n);
    return timed(endpoint, n, [process.pid], () =>
      closedLoop(n, CONCURRENCY, () => direct.post('/', all.pop() ?? {}).then(() => 0)),
    );
  };
  const results: Awaited<ReturnType<typeof ours>>[][] = [];
  try {
    for (let round = 0; round <= rounds; round++) {
      const sides = [ours, baseline, alone];
      const row: Awaited<ReturnType<typeof ours>>[] = [];
      for (let i = 0; i < sides.length; i++) {
        const side = (i + round) % sides.length;
        const run = sides[side];
        if (run) row[side] = await run();
      }
      if (round > 0) results.push(row);
    }
  } finally {
    await Promise.all([queue.close(), direct.close(), nats.close(), worker.stop()]);
    redis.disconnect();
    await cluster.stop();
  }
  const pairs = (other: number, of: 'perSecond' | 'cpuMsEach') =>
    results.map((row) => ({ ours: row[0]?.[of] ?? 0, baseline: row[other]?.[of] ?? 0 }));
  const what = 'JetStream, BullMQ and HTTP, from publishing to the endpoint, compared with';
  return [
    figureOf(
      { name: 'notify_ratio', what: `${what} BullMQ jobs and workers`, unit: 'per s', goal: GOAL },
      pairs(1, 'perSecond'),
    ),
    figureOf(
      {
        name: 'notify_cpu',
        what: 'notifier, NATS and Redis compared with worker and Redis',
        unit: 'CPU ms each',
      },
      pairs(1, 'cpuMsEach'),
    ),
    figureOf(
      { name: 'notify_no_queue', what: `${what} the posts alone`, unit: 'per s' },
      pairs(2, 'perSecond'),
    ),
  ];
}
