import { cpuSeconds } from './child.ts';
import { BenchCluster, type ClusterOptions } from './cluster.ts';
import { type Figure, figureOf, type Pair } from './figure.ts';
import { closedLoop } from './load.ts';
import { newCall } from './node.ts';
import type { Options } from './options.ts';

const IN_FLIGHT = 32;
const SERVED_EACH = 4;
const KINDS = ['agent', 'router', 'notifier', 'nats', 'redis'];

const SIZES: readonly Required<Pick<ClusterOptions, 'nodes' | 'routers' | 'notifiers'>>[] = [
  { nodes: 1, routers: 1, notifiers: 1 },
  { nodes: 1, routers: 2, notifiers: 1 },
  { nodes: 1, routers: 4, notifiers: 1 },
  { nodes: 1, routers: 1, notifiers: 2 },
  { nodes: 2, routers: 2, notifiers: 2 },
  { nodes: 4, routers: 2, notifiers: 2 },
  { nodes: 8, routers: 2, notifiers: 2 },
];

/** Complete calls per second of one cluster size, and the CPU of each. */
async function throughput(size: (typeof SIZES)[number], n: number, rounds: number) {
  const cluster = await BenchCluster.start(size);
  let served = 0;
  const batch = async () => {
    const pids = cluster.pids(...KINDS);
    const cpu = cpuSeconds(pids);
    const started = performance.now();
    let turn = 0;
    await closedLoop(n, IN_FLIGHT, async () => {
      const node = cluster.nodes[turn++ % cluster.nodes.length];
      const call = newCall();
      const ms = await node?.decide(call);
      node?.emit(call, 'ring', 'answer', 'hangup');
      return ms;
    });
    served += n * SERVED_EACH;
    await cluster.endpoint.until(served);
    const perSecond = (n * 1000) / (performance.now() - started);
    return { perSecond, cpuMs: ((cpuSeconds(pids) - cpu) * 1000) / n };
  };
  try {
    await batch();
    const results: Awaited<ReturnType<typeof batch>>[] = [];
    for (let i = 0; i < rounds; i++) results.push(await batch());
    return results;
  } finally {
    await cluster.stop();
  }
}

/** More instances, compared with one of each. On one machine this measures their cost, not their benefit. */
export async function scaling({ rounds, scale }: Options): Promise<Figure[]> {
  const n = Math.ceil(1_000 * scale);
  const figures: Figure[] = [];
  let one: Awaited<ReturnType<typeof throughput>> = [];
  for (const size of SIZES) {
    const results = await throughput(size, n, rounds);
    if (figures.length === 0) one = results;
    const { nodes, routers, notifiers } = size;
    const pairs = (of: 'perSecond' | 'cpuMs'): Pair[] =>
      results.map((result, i) => ({ ours: result[of], baseline: one[i]?.[of] ?? Number.NaN }));
    const what = `complete calls with ${nodes} nodes, ${routers} routers, ${notifiers} notifiers, compared with one of each`;
    const name = `${nodes}n_${routers}r_${notifiers}nt`;
    figures.push(
      figureOf({ name: `scale_${name}`, what, unit: 'calls per s' }, pairs('perSecond')),
      figureOf({ name: `scale_cpu_${name}`, what, unit: 'CPU ms each' }, pairs('cpuMs')),
    );
  }
  return figures;
}
