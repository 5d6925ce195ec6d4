import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { ManagedProcess } from '#deploy/local/processes.ts';
import { freePort } from '#test/support/ports.ts';
import { until } from '#test/support/until.ts';

const run = promisify(execFile);

const MASTERS = 3;

export interface RedisCluster {
  /** `redis://` URLs of all nodes, separated by commas. */
  readonly url: string;
  /** The keys of each master. */
  keysByMaster(): Promise<string[][]>;
  /** INFO errorstats of each master: how often it replied with which error. */
  errorStats(): Promise<string[]>;
  /** Sends SIGKILL to the first master. */
  killPrimary(): Promise<void>;
  /** Starts the killed master again, which becomes a replica of its successor. */
  startAgain(): Promise<void>;
  stop(): Promise<void>;
}

interface ClusterServer {
  readonly port: number;
  readonly server: ManagedProcess;
  /** Starts it again with its configuration. */
  readonly again: () => Promise<ClusterServer>;
}

async function startNode(dir: string): Promise<ClusterServer> {
  const port = await freePort();
  const clusterPort = String(await freePort());
  return startOn(dir, port, clusterPort);
}

async function startOn(dir: string, port: number, clusterPort: string): Promise<ClusterServer> {
  let accepts = false;
  const settings = {
    port: String(port),
    bind: '127.0.0.1',
    dir,
    save: '',
    'cluster-enabled': 'yes',
    'cluster-config-file': join(dir, `${port}.conf`),
    'cluster-port': clusterPort,
    'cluster-node-timeout': '2000',
  };
  const server = new ManagedProcess({
    name: `redis-server ${port}`,
    command: 'redis-server',
    args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
    onLine: (line) => {
      accepts ||= /ready to accept connections/i.test(line);
    },
  });
  await until('the cluster node runs', () => accepts);
  return { port, server, again: () => startOn(dir, port, clusterPort) };
}

/** Starts a Redis Cluster of three masters on 127.0.0.1, each with 0 (default) or 1 replica. */
export async function startRedisCluster({ replicas = 0 }: { replicas?: 0 | 1 } = {}): Promise<RedisCluster> {
  const dir = await mkdtemp(join(tmpdir(), 'dialhook-redis-cluster-'));
  const nodes = await Promise.all(Array.from({ length: MASTERS * (1 + replicas) }, () => startNode(dir)));
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
  await run('redis-cli', [
    '--cluster',
    'create',
    ...addresses,
    '--cluster-replicas',
    String(replicas),
    '--cluster-yes',
  ]);
  const clients = nodes.map(({ port }) => new Redis(port, '127.0.0.1'));
  for (const client of clients) client.on('error', () => {});
  await until('all nodes know the cluster', async () => {
    const infos = await Promise.all(clients.map((client) => client.cluster('INFO')));
    return infos.every((info) => info.includes('cluster_state:ok'));
  });
  if (replicas > 0)
    await until('the replicas are in sync', async () => {
      const infos = await Promise.all(clients.map((client) => client.info('replication')));
      return infos.every((info) => /master_link_status:up|connected_slaves:1/.test(info));
    });
  return {
    url: addresses.map((address) => `redis://${address}`).join(','),
    keysByMaster: () => Promise.all(clients.map((client) => client.keys('*'))),
    errorStats: () => Promise.all(clients.map((client) => client.info('errorstats'))),
    killPrimary: async () => {
      nodes[0]?.server.signal('SIGKILL');
      await nodes[0]?.server.stop();
    },
    startAgain: async () => {
      // It has no data, and would pass that on as long as it counts as the master of its slots.
      await until('its replica is promoted', async () => {
        const infos = await Promise.all(clients.slice(1).map((client) => client.info('replication')));
        return infos.filter((info) => info.includes('role:master')).length === MASTERS;
      });
      const again = await nodes[0]?.again();
      if (again) nodes[0] = again;
    },
    stop: async () => {
      for (const client of clients) client.disconnect();
      await Promise.all(nodes.map(({ server }) => server.stop()));
      await rm(dir, { recursive: true, force: true });
    },
  };
}
