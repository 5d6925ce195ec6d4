import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManagedProcess } from '#deploy/local/processes.ts';
import { until } from '#test/support/until.ts';

export interface NatsServer {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** JetStream's data. Pass it to `startNats` to start a new server with the same data. */
  readonly storeDir: string;
  /** Sends SIGTERM and removes the data. */
  stop(): Promise<void>;
  /** Sends SIGKILL. The data stays until `stop`. */
  kill(): Promise<void>;
  /** Sends SIGSTOP: connections stay open and get no response. */
  pause(): void;
  resume(): void;
}

export interface NatsOptions {
  /** Default: a free port. */
  readonly port?: number;
  /** Default: a new folder. */
  readonly storeDir?: string;
  /** A configuration file, which must enable JetStream and set its store itself. */
  readonly config?: string;
  readonly env?: Readonly<Record<string, string>>;
}

async function readPort(folder: string): Promise<number> {
  const file = (await readdir(folder)).find((name) => name.endsWith('.ports'));
  if (file === undefined) return 0;
  const url = /(?:nats|tls):\/\/[^"]+/.exec(await readFile(join(folder, file), 'utf8'))?.[0];
  return url === undefined ? 0 : Number(new URL(url).port);
}

/** Starts a private nats-server with JetStream on 127.0.0.1. */
export async function startNats(options: NatsOptions = {}): Promise<NatsServer> {
  const portsDir = await mkdtemp(join(tmpdir(), 'dialhook-nats-ports-'));
  const storeDir = options.storeDir ?? (await mkdtemp(join(tmpdir(), 'dialhook-nats-')));
  const store = options.config === undefined ? ['-js', '-sd', storeDir] : ['-c', options.config];
  const server = new ManagedProcess({
    name: 'nats-server',
    command: 'nats-server',
    args: ['-a', '127.0.0.1', '-p', String(options.port ?? -1), '--ports_file_dir', portsDir, ...store],
    env: options.env ?? {},
    onLine: () => {},
  });
  let port = 0;
  await until('nats-server runs or has ended', async () => {
    port = await readPort(portsDir);
    return port !== 0 || !server.running;
  });
  await rm(portsDir, { recursive: true, force: true });
  if (port === 0) throw new Error('nats-server did not start: is the package nats-server installed?');
  const end = async (signal: NodeJS.Signals) => {
    server.signal('SIGCONT');
    server.signal(signal);
    await server.stop();
  };
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    pid: server.pid ?? 0,
    storeDir,
    stop: async () => {
      await end('SIGTERM');
      await rm(storeDir, { recursive: true, force: true });
    },
    kill: () => end('SIGKILL'),
    pause: () => server.signal('SIGSTOP'),
    resume: () => server.signal('SIGCONT'),
  };
}
