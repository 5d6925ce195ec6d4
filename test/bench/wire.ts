import type { BenchCluster } from './cluster.ts';
import type { Wire } from './probe.ts';

/** Bytes between the processes in both directions since the start, by the remote port. */
export async function wireBytes(cluster: BenchCluster): Promise<Record<string, number>> {
  const ports: Readonly<Record<string, string>> = {
    [new URL(cluster.servers.nats).port]: 'nats',
    [new URL(cluster.servers.redis).port]: 'redis',
    [String(cluster.endpoint.port)]: 'http',
    [String(cluster.nodes[0]?.eventPort)]: 'events',
    accepted: 'socket',
  };
  const sums: Record<string, number> = {};
  for (const { child } of cluster.services) {
    const wire = await child.request<Wire>('wire');
    for (const [port, { sent, received }] of Object.entries(wire)) {
      const name = ports[port];
      if (name !== undefined && (name !== 'socket' || child.name.startsWith('agent')))
        sums[name] = (sums[name] ?? 0) + sent + received;
    }
  }
  return sums;
}

/** The difference of two measurements for each of `calls`. */
export const perCall = (
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
  calls: number,
): Record<string, number> =>
  Object.fromEntries(Object.entries(after).map(([name, now]) => [name, (now - (before[name] ?? 0)) / calls]));
