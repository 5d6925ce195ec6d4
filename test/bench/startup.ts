import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '#test/support/ports.ts';
import { alternate, type Figure, figureOf } from './figure.ts';
import type { Options } from './options.ts';
import { BenchSwitch } from './switch.ts';
import { startService, World } from './world.ts';

async function emptyProcess(): Promise<number> {
  const started = performance.now();
  await once(spawn(process.execPath, ['-e', '0']), 'exit');
  return performance.now() - started;
}

/** From the start of a process to its first 200 on /readyz, beside a Node that does nothing. */
export async function startUp({ rounds }: Options): Promise<Figure[]> {
  const world = await World.start({ nodes: 0, routers: 0, notifiers: 0 });
  const folder = await mkdtemp(join(tmpdir(), 'dialhook-bench-start-'));
  const node = await BenchSwitch.start('http://127.0.0.1:1/');
  const figures: Figure[] = [];
  const env = { NATS_URL: world.servers.nats, REDIS_URL: world.servers.redis };
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
      const what = `${kind}, from its start until it is ready, beside node -e 0`;
      figures.push(figureOf({ name: `start_${kind}`, what, unit: 'ms' }, pairs));
    }
  } finally {
    node.close();
    await world.stop();
    await rm(folder, { recursive: true, force: true });
  }
  return figures;
}
