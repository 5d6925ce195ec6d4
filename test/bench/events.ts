import { setTimeout as sleep } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { ensureProgressStream } from '#libs/bus/progress.ts';
import { BUS } from '#libs/contract/messages.ts';
import { cpuSeconds } from './child.ts';
import { BenchCluster } from './cluster.ts';
import { alternate, type Figure, figureOf } from './figure.ts';
import { type BenchNode, type EventName, newCall } from './node.ts';
import type { Options } from './options.ts';

/** The events of an answered call. Without the end of its called leg, its hangup would wait for that. */
const NAMES: readonly EventName[] = ['ring', 'progress', 'answer', 'leg_end', 'hangup'];
const NOTIFICATIONS_EACH = 4;
const LIMITS = { replicas: 1, maxBytes: 1 << 30, maxAgeMs: 3_600_000, duplicateWindowMs: 120_000 };
const POLL_MS = 2;

const eventsOf = (node: BenchNode, calls: number): string[] =>
  Array.from({ length: calls }, newCall).flatMap((call) => NAMES.map((name) => node.event(call, name)));

/** Events that the agent parses, maps and publishes, compared with JSON.parse of the same bytes. */
export async function events({ rounds, scale }: Options): Promise<Figure[]> {
  const calls = Math.ceil(1_500 * scale);
  const n = calls * NAMES.length;
  const cluster = await BenchCluster.start({ routers: 0, notifiers: 0, nodes: 0 });
  const nats = await connect({ servers: cluster.servers.nats });
  const manager = await jetstreamManager(nats);
  const bus = { jetstreamManager: () => jetstreamManager(nats) };
  await ensureProgressStream(bus as Parameters<typeof ensureProgressStream>[0], LIMITS);
  await cluster.node(0, `http://127.0.0.1:${cluster.endpoint.port}/`);
  const [node] = cluster.nodes;
  if (!node) throw new Error('no node');
  const agent = cluster.pids('agent');
  const stored = async () => (await manager.streams.info(BUS.stream)).state.last_seq;

  const ours = async () => {
    const text = eventsOf(node, calls).join('');
    const until = (await stored()) + calls * NOTIFICATIONS_EACH;
    const cpu = cpuSeconds(agent);
    const started = performance.now();
    node.write(text);
    while ((await stored()) < until) await sleep(POLL_MS);
    const seconds = (performance.now() - started) / 1000;
    const cpuSecondsUsed = cpuSeconds(agent) - cpu;
    await manager.streams.purge(BUS.stream);
    return { perSecond: n / seconds, perCpuSecond: n / cpuSecondsUsed };
  };
  const baseline = async () => {
    const bodies = eventsOf(node, calls).map((text) => Buffer.from(text.slice(text.indexOf('\n\n') + 2)));
    const started = performance.now();
    for (const body of bodies) JSON.parse(body.toString('utf8'));
    const perSecond = n / ((performance.now() - started) / 1000);
    return { perSecond, perCpuSecond: perSecond };
  };
  const results = await alternate(rounds, ours, baseline);
  await nats.close();
  await cluster.stop();
  const pairs = (of: 'perSecond' | 'perCpuSecond') =>
    results.map((one) => ({ ours: one.ours[of], baseline: one.baseline[of] }));
  const what = 'events parsed, mapped and published to JetStream, compared with JSON.parse of the same bytes';
  return [
    figureOf({ name: 'events_ratio', what, unit: 'per s' }, pairs('perSecond')),
    figureOf({ name: 'events_cpu_ratio', what, unit: 'per CPU s' }, pairs('perCpuSecond')),
  ];
}
