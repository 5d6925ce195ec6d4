import { join } from 'node:path';
import { type JetStreamClient, jetstream } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { progressSubject } from '#libs/bus/progress.ts';
import { notificationId } from '#libs/contract/endpoint.ts';
import { Child, cpuSeconds } from './child.ts';
import { BenchCluster, type Endpoint } from './cluster.ts';
import { DirectClient, notificationOf } from './direct-client.ts';
import { type Figure, figureOf } from './figure.ts';
import { closedLoop } from './load.ts';
import { newCall } from './node.ts';
import type { Options } from './options.ts';

const CONCURRENCY = 256;
const BATCH = 256;
const GOAL = { atLeast: 0.7 };
const ACTIONS = ['ring', 'progress', 'answer'] as const;

type Notification = ReturnType<typeof notificationOf>;

/** Those of many calls, the calls mixed as they are when many are up. */
function notifications(n: number): Notification[] {
  const calls = Array.from({ length: Math.ceil(n / ACTIONS.length) }, newCall);
  return ACTIONS.flatMap((action) => calls.map((call) => notificationOf(call, action))).slice(0, n);
}

/** Notifications a second, from the first handed over to the last that the endpoint has had; and CPU ms for each. */
async function timed(endpoint: Endpoint, n: number, pids: readonly number[], feed: () => Promise<unknown>) {
  const all = endpoint.until((await endpoint.count()) + n);
  const cpu = cpuSeconds(pids);
  const started = performance.now();
  await feed();
  await all;
  const perSecond = (n * 1000) / (performance.now() - started);
  return { perSecond, cpuMsEach: ((cpuSeconds(pids) - cpu) * 1000) / n };
}

async function inBatches<T>(items: readonly T[], work: (batch: readonly T[]) => Promise<unknown>) {
  for (let i = 0; i < items.length; i += BATCH) await work(items.slice(i, i + BATCH));
}

const publish = (stream: JetStreamClient, url: string, all: readonly Notification[]) =>
  inBatches(all, (batch) =>
    Promise.all(
      batch.map((notification) =>
        stream.publish(
          progressSubject(notification.uuid, 'bench'),
          JSON.stringify({ v: 1, url, notification }),
          {
            msgID: notificationId(notification),
          },
        ),
      ),
    ),
  );

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
