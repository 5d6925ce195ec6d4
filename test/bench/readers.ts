import { jetstream } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { BenchCluster } from './cluster.ts';
import { CpuShare } from './cpu-share.ts';
import { type Figure, figureOf } from './figure.ts';
import { notifications, publish, timed } from './notifications.ts';
import type { Options } from './options.ts';

const SIZES = [1, 2, 4];
/**
 * Each notifier gets this share of one core: a machine with few cores then has as much for each notifier of four as for a
 * single one, and the rest for NATS, Redis, endpoint and load.
 */
const PERCENT_OF_CORE = 15;
const GOAL = { atLeast: 1.7 };

/** Notifications per second of so many notifiers, in each round. */
async function throughput(notifiers: number, n: number, rounds: number): Promise<number[]> {
  const cluster = await BenchCluster.start({ nodes: 0, routers: 0, notifiers });
  const share = new CpuShare(PERCENT_OF_CORE);
  const { endpoint, servers } = cluster;
  const nats = await connect({ servers: servers.nats });
  const url = `http://127.0.0.1:${endpoint.port}/`;
  const round = () => timed(endpoint, n, [], () => publish(jetstream(nats), url, notifications(n)));
  try {
    // Without a limit, so that V8 has compiled the notifiers' code and each has its partitions.
    for (let i = 0; i < notifiers; i++) await round();
    for (const pid of cluster.pids('notifier')) await share.limit(pid);
    const results: number[] = [];
    for (let i = 0; i <= rounds; i++) results.push((await round()).perSecond);
    return results.slice(1);
  } finally {
    await nats.close();
    await cluster.stop();
    await share.remove();
  }
}

/** Several notifiers, which share the partitions of the stream, compared with one. */
export async function readers({ rounds, scale }: Options): Promise<Figure[]> {
  const n = Math.ceil(9_000 * scale);
  const figures: Figure[] = [];
  let one: readonly number[] = [];
  for (const notifiers of SIZES) {
    const results = await throughput(notifiers, n, rounds);
    if (notifiers === 1) one = results;
    figures.push(
      figureOf(
        {
          name: `readers_${notifiers}`,
          what: `notifications with ${notifiers} notifiers of ${PERCENT_OF_CORE} % of a core each, compared with one`,
          unit: 'per s',
          ...(notifiers === 2 ? { goal: GOAL } : {}),
        },
        results.map((ours, i) => ({ ours, baseline: one[i] ?? Number.NaN })),
      ),
    );
  }
  return figures;
}
