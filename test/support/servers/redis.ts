import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManagedProcess } from '#deploy/local/processes.ts';
import { freePort } from '#test/support/ports.ts';
import { until } from '#test/support/until.ts';

export interface RedisServer {
  /** `redis://127.0.0.1:PORT` with `tcp`, else `unix:///PATH`. */
  readonly url: string;
  readonly pid: number;
  /** Sends SIGTERM and removes the data. */
  stop(): Promise<void>;
  /** Sends SIGKILL. The append-only file stays for `startAgain`. */
  kill(): Promise<void>;
  /** Starts it at the same address after `kill`. */
  startAgain(): Promise<void>;
  /** Sends SIGSTOP: connections stay open and get no response. */
  pause(): void;
  resume(): void;
}

export interface RedisOptions {
  /** Listen on 127.0.0.1 and a free port besides the Unix socket. Default: false. */
  readonly tcp?: boolean;
  /** Keep every acknowledged write over `kill` and `startAgain`. Default: false, keep nothing. */
  readonly durable?: boolean;
  /** More settings of redis.conf by name. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Starts a private redis-server. */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const { tcp = false, durable = false } = options;
  const dir = await mkdtemp(join(tmpdir(), 'dialhook-redis-'));
  const socket = join(dir, 'redis.sock');
  const port = tcp ? await freePort() : 0;
  const settings = {
    port: String(port),
    bind: '127.0.0.1',
    unixsocket: socket,
    dir,
    save: '',
    appendonly: durable ? 'yes' : 'no',
    appendfsync: 'always',
    ...options.settings,
  };
  const start = async (): Promise<ManagedProcess> => {
    let accepts = false;
    const started = new ManagedProcess({
      name: 'redis-server',
      command: 'redis-server',
      args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
      onLine: (line) => {
        accepts ||= /ready to accept connections/i.test(line);
      },
    });
    await until('redis-server runs or has ended', () => accepts || !started.running);
    if (!started.running)
      throw new Error('redis-server did not start: is the package redis-server installed?');
    return started;
  };
  let server = await start();
  const end = async (signal: NodeJS.Signals) => {
    server.signal('SIGCONT');
    server.signal(signal);
    await server.stop();
  };
  return {
    url: tcp ? `redis://127.0.0.1:${port}` : `unix://${socket}`,
    pid: server.pid ?? 0,
    stop: async () => {
      await end('SIGTERM');
      await rm(dir, { recursive: true, force: true, maxRetries: 3 });
    },
    kill: () => end('SIGKILL'),
    startAgain: async () => {
      server = await start();
    },
    pause: () => server.signal('SIGSTOP'),
    resume: () => server.signal('SIGCONT'),
  };
}
