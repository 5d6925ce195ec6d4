import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';

/** A redis-server with an append-only file whose disk can be full. */
export interface FullDiskRedis {
  readonly url: string;
  /** From now on its files grow no more. */
  fill(): Promise<void>;
  makeRoom(): void;
  [Symbol.asyncDispose](): Promise<void>;
}

async function largestFile(dir: string): Promise<number> {
  const files = await readdir(dir, { recursive: true, withFileTypes: true });
  const sizes = files.filter((file) => file.isFile()).map((file) => stat(join(file.parentPath, file.name)));
  return Math.max(...(await Promise.all(sizes)).map(({ size }) => size));
}

/**
 * The disk is full by the limit on the size of a process's files, which needs no disk of its own. The shell is there to
 * have the signal of that limit ignored: the write fails, as on a full disk.
 */
export async function startFullDiskRedis(): Promise<FullDiskRedis> {
  const dir = await mkdtemp(join(tmpdir(), 'dialhook-full-disk-'));
  const socket = join(dir, 'redis.sock');
  const args = ['--port', '0', '--unixsocket', socket, '--dir', dir, '--appendonly', 'yes', '--save', ''];
  const script = 'trap \'\' XFSZ; exec redis-server "$@"';
  const server = spawn('sh', ['-c', script, 'sh', ...args], { stdio: 'ignore' });
  const redis = new Redis(socket, { retryStrategy: () => 5, maxRetriesPerRequest: null });
  redis.on('error', () => {});
  await redis.ping();
  redis.disconnect();
  const limit = (size: number | 'unlimited') =>
    execFileSync('prlimit', ['--pid', String(server.pid), `--fsize=${size}:unlimited`]);
  return {
    url: `unix://${socket}`,
    fill: async () => void limit(await largestFile(dir)),
    makeRoom: () => void limit('unlimited'),
    [Symbol.asyncDispose]: async () => {
      if (server.exitCode === null && server.signalCode === null) {
        server.kill('SIGKILL');
        await once(server, 'exit');
      }
      await rm(dir, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}
