import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const START_DEADLINE_MS = 10_000;
const POLL_MS = 5;

export interface NatsServer {
  readonly url: string;
  readonly port: number;
  /** Where JetStream keeps its data; given to `startNats`, a new server goes on with it. */
  readonly storeDir: string;
  /** Ends it in order and removes its data. */
  stop(): Promise<void>;
  /** Ends it as a crash does; its data stays until `stop`. */
  kill(): Promise<void>;
  /** Freezes it: connections stay open and nothing is answered. */
  pause(): void;
  resume(): void;
}

async function readPort(dir: string, server: ChildProcess): Promise<number> {
  const deadline = Date.now() + START_DEADLINE_MS;
  while (server.exitCode === null && Date.now() < deadline) {
    const [file] = (await readdir(dir)).filter((name) => name.endsWith('.ports'));
    const text = file === undefined ? '' : await readFile(join(dir, file), 'utf8');
    const url = /(?:nats|tls):\/\/[^"]+/.exec(text)?.[0];
    if (url !== undefined) return Number(new URL(url).port);
    await sleep(POLL_MS);
  }
  server.kill('SIGKILL');
  throw new Error('nats-server did not start: is the package nats-server installed?');
}

async function end(server: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  server.kill('SIGCONT');
  server.kill(signal);
  await once(server, 'exit');
}

interface NatsGiven {
  readonly port?: number;
  readonly storeDir?: string;
  /** A configuration file, which must turn JetStream on and use `storeDir` itself. */
  readonly config?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts a private nats-server with JetStream on 127.0.0.1, on a free port unless one is given. */
export async function startNats(given: NatsGiven = {}): Promise<NatsServer> {
  const portsDir = await mkdtemp(join(tmpdir(), 'dialhook-nats-ports-'));
  const storeDir = given.storeDir ?? (await mkdtemp(join(tmpdir(), 'dialhook-nats-')));
  const how = given.config === undefined ? ['-js', '-sd', storeDir] : ['-c', given.config];
  const args = ['-a', '127.0.0.1', '-p', String(given.port ?? -1), '--ports_file_dir', portsDir, ...how];
  const server = spawn('nats-server', args, { stdio: 'ignore', env: { ...process.env, ...given.env } });
  const { promise: unusable, reject } = Promise.withResolvers<never>();
  server.on('error', reject);
  const port = await Promise.race([readPort(portsDir, server), unusable]).finally(() =>
    rm(portsDir, { recursive: true, force: true }),
  );
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    storeDir,
    stop: async () => {
      await end(server, 'SIGTERM');
      await rm(storeDir, { recursive: true, force: true });
    },
    kill: () => end(server, 'SIGKILL'),
    pause: () => void server.kill('SIGSTOP'),
    resume: () => void server.kill('SIGCONT'),
  };
}
