import { cpuSeconds } from './child.ts';
import { type Figure, figureOf, type Pair } from './figure.ts';
import { closedLoop } from './load.ts';
import type { Options } from './options.ts';
import { newCall } from './switch.ts';
import { World, type WorldOptions } from './world.ts';

const IN_FLIGHT = 32;
const SERVED_EACH = 4;
const KINDS = ['agent', 'router', 'notifier', 'nats', 'redis'];

const SIZES: readonly Required<Pick<WorldOptions, 'nodes' | 'routers' | 'notifiers'>>[] = [
  { nodes: 1, routers: 1, notifiers: 1 },
  { nodes: 1, routers: 2, notifiers: 1 },
  { nodes: 1, routers: 4, notifiers: 1 },
  { nodes: 1, routers: 1, notifiers: 2 },
  { nodes: 2, routers: 2, notifiers: 2 },
  { nodes: 4, routers: 2, notifiers: 2 },
  { nodes: 8, routers: 2, notifiers: 2 },
];

/** Whole calls a second that one size of the cluster carries, and what each takes. */
async function throughput(size: (typeof SIZES)[number], n: number, rounds: number) {
  const world = await World.start(size);
  let served = 0;
  const batch = async () => {
    const pids = world.pids(...KINDS);
    const cpu = cpuSeconds(pids);
    const started = performance.now();
    let turn = 0;
    await closedLoop(n, IN_FLIGHT, async () => {
      const node = world.switches[turn++ % world.switches.length];
      const call = newCall();
      const ms = await node?.decide(call);
      node?.tell(call, 'ring', 'answer', 'hangup');
      return ms;
    });
    served += n * SERVED_EACH;
    await world.endpoint.until(served);
    const perSecond = (n * 1000) / (performance.now() - started);
    return { perSecond, cpuMs: ((cpuSeconds(pids) - cpu) * 1000) / n };
  };
  try {
    await batch();
    const results: Awaited<ReturnType<typeof batch>>[] = [];
    for (let i = 0; i < rounds; i++) results.push(await batch());
    return results;
  } finally {
    await world.stop();
  }
}

/** More of each service, beside one of each: on one machine it says what more of them cost, not what they bring. */
export async function scaling({ rounds, scale }: Options): Promise<Figure[]> {
  const n = Math.ceil(1_000 * scale);
  const figures: Figure[] = [];
  let one: Awaited<ReturnType<typeof throughput>> = [];
  for (const size of SIZES) {
    const results = await throughput(size, n, rounds);
    if (figures.length === 0) one = results;
    const { nodes, routers, notifiers } = size;
    const pairs = (of: 'perSecond' | 'cpuMs'): Pair[] =>
      results.map((result, i) => ({ ours: result[of], bare: one[i]?.[of] ?? Number.NaN }));
    const what = `whole calls with ${nodes} nodes, ${routers} routers, ${notifiers} notifiers, beside one of each`;
    const name = `${nodes}n_${routers}r_${notifiers}nt`;
    figures.push(
      figureOf({ name: `scale_${name}`, what, unit: 'calls per s' }, pairs('perSecond')),
      figureOf({ name: `scale_cpu_${name}`, what, unit: 'CPU ms each' }, pairs('cpuMs')),
    );
  }
  return figures;
}
