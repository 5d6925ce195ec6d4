import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { connect as connectNats } from '@nats-io/transport-node';
import { cpuSeconds } from './child.ts';
import { BenchCluster } from './cluster.ts';
import { DirectClient } from './direct-client.ts';
import { alternate, type Figure, figureOf } from './figure.ts';
import { closedLoop, type LoadResult } from './load.ts';
import { newCall } from './node.ts';
import { quantile } from './numbers.ts';
import type { Options } from './options.ts';

const LATENCY_GOAL = { atMost: 1.5 };
const SERVICES = ['agent', 'router', 'nats'];

interface Run extends LoadResult {
  readonly cpuMsEach: number;
}

const p = (q: number) => (run: Run) => quantile(run.ms, q);

async function withCpu(pids: readonly number[], n: number, work: () => Promise<LoadResult>): Promise<Run> {
  const before = cpuSeconds(pids);
  const result = await work();
  return { ...result, cpuMsEach: ((cpuSeconds(pids) - before) * 1000) / n };
}

/** Decisions through agent, NATS and router, compared with the same HTTP request made directly. */
async function compare(cluster: BenchCluster, path: string, inFlight: number, n: number, rounds: number) {
  const direct = new DirectClient(cluster.endpoint.port, inFlight);
  const [node] = cluster.nodes;
  const ours = () =>
    withCpu(cluster.pids(...SERVICES), n, () => closedLoop(n, inFlight, async () => node?.decide(newCall())));
  const baseline = () =>
    withCpu([process.pid], n, () => closedLoop(n, inFlight, () => direct.decide(`/${path}`)));
  const results = await alternate(rounds, ours, baseline);
  await direct.close();
  const pairs = (of: (run: Run) => number) =>
    results.map((one) => ({ ours: of(one.ours), baseline: of(one.baseline) }));
  return pairs;
}

/** Endpoint times: 0 ms, where everything is overhead, and 5 ms, like an endpoint that queries a database. */
export async function decisions({ rounds, scale }: Options): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const path of ['0', '5']) {
    const cluster = await BenchCluster.start({ path });
    try {
      for (const inFlight of [1, 50]) {
        const n = Math.ceil((inFlight === 1 ? 400 : 2_000) * scale);
        const pairs = await compare(cluster, path, inFlight, n, rounds);
        const name = (stem: string) =>
          `${stem}${path === '0' ? '' : `_${path}ms`}${inFlight === 1 ? '' : '_50'}`;
        const what = `endpoint time ${path} ms, ${inFlight} in flight, compared with an undici pool`;
        const latency = { name: name('decision_latency_ratio'), unit: 'ms p50', goal: LATENCY_GOAL };
        figures.push(figureOf({ ...latency, what }, pairs(p(0.5))));
        figures.push(figureOf({ name: name('decision_latency_p99'), what, unit: 'ms p99' }, pairs(p(0.99))));
        if (inFlight === 1 || path !== '0') continue;
        figures.push(
          figureOf(
            { name: 'decision_cpu_ratio', what: `${what}: agent, NATS, router`, unit: 'per CPU s' },
            pairs(({ cpuMsEach }) => 1000 / cpuMsEach),
          ),
          figureOf(
            { name: 'decisions_per_second', what, unit: 'per s' },
            pairs(({ perSecond }) => perSecond),
          ),
        );
      }
    } finally {
      await cluster.stop();
    }
  }
  return figures;
}

/** A TCP client and server that exchange `trips` short messages: the least that the `socket` connection costs. */
async function tcpExchange(trips: number): Promise<{ once: () => Promise<number>; stop: () => void }> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('data', (data) => socket.write(data));
    socket.on('error', () => {});
    socket.on('end', () => socket.end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    once: async () => {
      const started = performance.now();
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      for (let i = 0; i < trips; i++) {
        socket.write('getvar uuid\n\n');
        await once(socket, 'data');
      }
      const ms = performance.now() - started;
      socket.end();
      return ms;
    },
    stop: () => server.close(),
  };
}

/** Each hop of a decision alone, compared with the direct HTTP request: the lower bound of Dialhook's overhead. */
export async function hops({ rounds, scale }: Options): Promise<Figure[]> {
  const n = Math.ceil(400 * scale);
  const cluster = await BenchCluster.start({ nodes: 0, routers: 0, notifiers: 0 });
  const direct = new DirectClient(cluster.endpoint.port, 1);
  const requester = await connectNats({ servers: cluster.servers.nats });
  const responder = await connectNats({ servers: cluster.servers.nats });
  const text = JSON.stringify({ padding: 'x'.repeat(700) });
  responder.subscribe('echo', { queue: 'q', callback: (_, message) => void message.respond(text) });
  await responder.flush();
  const tcp = await tcpExchange(3);
  const sides: [string, string, () => Promise<number>][] = [
    [
      'hop_nats',
      'NATS request and reply of 700 bytes',
      async () => {
        const started = performance.now();
        await requester.request('echo', text);
        return performance.now() - started;
      },
    ],
    ['hop_socket', 'TCP connect and 3 round trips', tcp.once],
  ];
  const figures: Figure[] = [];
  for (const [name, what, one] of sides) {
    const median = async (run: () => Promise<number>) => quantile((await closedLoop(n, 1, run)).ms, 0.5);
    const pairs = await alternate(
      rounds,
      () => median(one),
      () => median(() => direct.decide('/0')),
    );
    figures.push(
      figureOf({ name, what: `${what}, compared with the direct HTTP request`, unit: 'ms p50' }, pairs),
    );
  }
  tcp.stop();
  await Promise.all([direct.close(), requester.close(), responder.close()]);
  await cluster.stop();
  return figures;
}
