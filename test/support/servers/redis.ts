import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';

const START_DEADLINE_MS = 10_000;
const POLL_MS = 5;

export interface RedisServer {
  /** `redis://127.0.0.1:PORT`, or `unix:///PATH` when it listens on a socket only. */
  readonly url: string;
  /** Ends it in order and removes its data. */
  stop(): Promise<void>;
  /** Ends it as a crash does. What it kept in its append-only file stays for `startAgain`. */
  kill(): Promise<void>;
  /** Starts it again at the same address, after `kill`. */
  startAgain(): Promise<void>;
  /** Freezes it: connections stay open and nothing is answered. */
  pause(): void;
  resume(): void;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function end(server: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  server.kill('SIGCONT');
  server.kill(signal);
  await once(server, 'exit');
}

async function answers(server: ChildProcess, socket: string): Promise<void> {
  const redis = new Redis({ path: socket, lazyConnect: true, retryStrategy: () => POLL_MS });
  redis.on('error', () => {});
  const deadline = Date.now() + START_DEADLINE_MS;
  try {
    redis.connect().catch(() => {});
    while (server.exitCode === null && Date.now() < deadline) {
      if (redis.status === 'ready') return;
      await sleep(POLL_MS);
    }
  } finally {
    redis.disconnect();
  }
  server.kill('SIGKILL');
  throw new Error('redis-server did not start: is the package redis-server installed?');
}

/**
 * Starts a private redis-server on a Unix socket, or on 127.0.0.1 and a free port when `tcp` is set. With `durable` it
 * has what it acknowledged again after `kill` and `startAgain`; without it, nothing.
 */
export async function startRedis(
  given: { readonly tcp?: boolean; readonly durable?: boolean } = {},
): Promise<RedisServer> {
  const dir = await mkdtemp(join(tmpdir(), 'dialhook-redis-'));
  const socket = join(dir, 'redis.sock');
  const port = given.tcp ? await freePort() : 0;
  const kept = given.durable
    ? ['--appendonly', 'yes', '--appendfsync', 'always']
    : ['--appendonly', 'no', '--save', ''];
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--unixsocket', socket, '--dir', dir, ...kept];
  const start = async () => {
    const started = spawn('redis-server', args, { stdio: 'ignore' });
    const { promise: unusable, reject } = Promise.withResolvers<never>();
    started.on('error', reject);
    await Promise.race([answers(started, socket), unusable]);
    return started;
  };
  let server = await start();
  return {
    url: given.tcp ? `redis://127.0.0.1:${port}` : `unix://${socket}`,
    stop: async () => {
      await end(server, 'SIGTERM');
      await rm(dir, { recursive: true, force: true, maxRetries: 3 });
    },
    kill: () => end(server, 'SIGKILL'),
    startAgain: async () => {
      server = await start();
    },
    pause: () => void server.kill('SIGSTOP'),
    resume: () => void server.kill('SIGCONT'),
  };
}
