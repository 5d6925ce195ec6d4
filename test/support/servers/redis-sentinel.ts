import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { ManagedProcess } from '#deploy/local/processes.ts';
import { freePort } from '#test/support/ports.ts';
import { until } from '#test/support/until.ts';

export interface MonitoredRedis extends AsyncDisposable {
  /** URL of the Sentinel. */
  readonly url: string;
  readonly name: string;
  /** A client of the first primary, of the replica. */
  readonly primary: Redis;
  readonly replica: Redis;
  killPrimary(): void;
  /** Starts the killed primary again. Sentinel makes it a replica of the new one. */
  startPrimaryAgain(): Promise<void>;
  pauseReplica(): void;
  resumeReplica(): void;
}

const NAME = 'calls';

async function startServer(name: string, args: readonly string[]): Promise<ManagedProcess> {
  let accepts = false;
  const server = new ManagedProcess({
    name,
    command: 'redis-server',
    args,
    onLine: (line) => {
      accepts ||= /ready to accept connections|Sentinel ID is/i.test(line);
    },
  });
  await until(`${name} runs`, () => accepts);
  return server;
}

/** Starts a primary, one replica and one Sentinel, on 127.0.0.1. */
export async function startMonitoredRedis(): Promise<MonitoredRedis> {
  const dir = await mkdtemp(join(tmpdir(), 'dialhook-redis-sentinel-'));
  const [primaryPort, replicaPort, sentinelPort] = [await freePort(), await freePort(), await freePort()];
  const common = ['--bind', '127.0.0.1', '--dir', dir, '--save', '', '--repl-diskless-sync-delay', '0'];
  const startPrimary = () => startServer('primary', ['--port', String(primaryPort), ...common]);
  let primary = await startPrimary();
  const replica = await startServer('replica', [
    ...['--port', String(replicaPort), ...common],
    ...['--replicaof', `127.0.0.1 ${primaryPort}`],
  ]);
  const file = join(dir, 'sentinel.conf');
  await writeFile(
    file,
    [
      `port ${sentinelPort}`,
      'bind 127.0.0.1',
      `dir ${dir}`,
      `sentinel monitor ${NAME} 127.0.0.1 ${primaryPort} 1`,
      `sentinel down-after-milliseconds ${NAME} 1000`,
      `sentinel failover-timeout ${NAME} 3000`,
      '',
    ].join('\n'),
  );
  const sentinel = await startServer('sentinel', [file, '--sentinel']);
  const clients = [primaryPort, replicaPort].map((port) => new Redis(port, '127.0.0.1'));
  const [toPrimary, toReplica] = clients;
  if (!toPrimary || !toReplica) throw new Error('no clients');
  for (const client of clients) client.on('error', () => {});
  await until('the replica is in sync', async () =>
    (await toReplica.info('replication')).includes('master_link_status:up'),
  );
  return {
    url: `redis://127.0.0.1:${sentinelPort}`,
    name: NAME,
    primary: toPrimary,
    replica: toReplica,
    killPrimary: () => primary.signal('SIGKILL'),
    startPrimaryAgain: async () => {
      await primary.stop();
      // It has no data, and would pass that on as long as it counts as the primary.
      await until('the replica is promoted', async () =>
        (await toReplica.info('replication')).includes('role:master'),
      );
      primary = await startPrimary();
    },
    pauseReplica: () => replica.signal('SIGSTOP'),
    resumeReplica: () => replica.signal('SIGCONT'),
    [Symbol.asyncDispose]: async () => {
      for (const client of clients) client.disconnect();
      replica.signal('SIGCONT');
      await Promise.all([sentinel.stop(), primary.stop(), replica.stop()]);
      await rm(dir, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}
