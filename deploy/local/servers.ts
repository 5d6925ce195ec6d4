import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ManagedProcess } from './processes.ts';

/** A running NATS or Redis server. */
export interface LocalServer {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

const READY_MS = 10_000;
const POLL_MS = 20;

async function waitFor<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  for (const deadline = Date.now() + READY_MS; Date.now() < deadline; await sleep(POLL_MS)) {
    const found = await look();
    if (found !== undefined) return found;
  }
  throw new Error(`${what} did not start within ${READY_MS / 1000} s`);
}

/** A port of 127.0.0.1 that is free at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** JetStream on one port of 127.0.0.1; -1 takes a free one. */
export const natsArguments = (port: number, folder: string): string[] => [
  '-a',
  '127.0.0.1',
  '-p',
  String(port),
  '-js',
  '-sd',
  folder,
];

/** Without snapshots. */
export const redisArguments = (port: number, folder: string): string[] => [
  '--bind',
  '127.0.0.1',
  '--port',
  String(port),
  '--dir',
  folder,
  '--save',
  '',
];

/** Starts NATS with JetStream on a free port; its store is a temporary folder. */
export async function startNats(onLine: (line: string) => void): Promise<LocalServer> {
  const folder = await mkdtemp(join(tmpdir(), 'dialhook-nats-'));
  const server = new ManagedProcess({
    name: 'nats',
    command: 'nats-server',
    args: [...natsArguments(-1, folder), '--ports_file_dir', folder],
    onLine,
  });
  const url = await waitFor('nats-server', async () => {
    const file = (await readdir(folder)).find((name) => name.endsWith('.ports'));
    if (file === undefined) return undefined;
    const ports = await readFile(join(folder, file), 'utf8');
    return /"(nats:[^"]+)"/.exec(ports)?.[1];
  });
  return {
    url,
    pid: server.pid ?? 0,
    stop: async () => {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Starts Redis on a free port, without persistence. */
export async function startRedis(onLine: (line: string) => void): Promise<LocalServer> {
  const folder = await mkdtemp(join(tmpdir(), 'dialhook-redis-'));
  const port = await freePort();
  let ready = false;
  const server = new ManagedProcess({
    name: 'redis',
    command: 'redis-server',
    args: [...redisArguments(port, folder), '--appendonly', 'no'],
    onLine: (line) => {
      if (line.includes('Ready to accept connections')) ready = true;
      onLine(line);
    },
  });
  await waitFor('redis-server', async () => (ready ? true : undefined));
  return {
    url: `redis://127.0.0.1:${port}`,
    pid: server.pid ?? 0,
    stop: async () => {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
