import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '#test/support/ports.ts';
import { BenchCluster, startService } from './cluster.ts';
import { alternate, type Figure, figureOf } from './figure.ts';
import { BenchNode } from './node.ts';
import type { Options } from './options.ts';

async function emptyProcess(): Promise<number> {
  const started = performance.now();
  await once(spawn(process.execPath, ['-e', '0']), 'exit');
  return performance.now() - started;
}

/** From the start of a process to its first 200 on /readyz, compared with a Node process that does nothing. */
export async function startUp({ rounds }: Options): Promise<Figure[]> {
  const cluster = await BenchCluster.start({ nodes: 0, routers: 0, notifiers: 0 });
  const folder = await mkdtemp(join(tmpdir(), 'dialhook-bench-start-'));
  const node = await BenchNode.start('http://127.0.0.1:1/');
  const figures: Figure[] = [];
  const env = { NATS_URL: cluster.servers.nats, REDIS_URL: cluster.servers.redis };
  try {
    for (const kind of ['agent', 'router', 'notifier']) {
      const ours = async () => {
        const ports = { FREESWITCH_PORT: String(node.eventPort), SOCKET_PORT: String(await freePort()) };
        const started = performance.now();
        const { child } = await startService(kind, 0, folder, { ...env, ...ports });
        const ms = performance.now() - started;
        await child.stop();
        return ms;
      };
      const pairs = await alternate(rounds, ours, emptyProcess);
      const what = `${kind}, from its start until it is ready, compared with node -e 0`;
      figures.push(figureOf({ name: `start_${kind}`, what, unit: 'ms' }, pairs));
    }
  } finally {
    node.close();
    await cluster.stop();
    await rm(folder, { recursive: true, force: true });
  }
  return figures;
}
