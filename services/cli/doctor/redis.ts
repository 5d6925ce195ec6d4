import { isOlder } from '#libs/version/version.ts';
import { error, type Finding, ok, warning } from './finding.ts';

/** A server of Redis and its answer to INFO, by field. */
export interface RedisServerFacts {
  /** Empty for the only server. */
  readonly name: string;
  readonly info: Readonly<Record<string, string>>;
}

export interface RedisFacts {
  readonly connectError?: string;
  readonly mode: 'standalone' | 'cluster' | 'sentinel';
  /** REDIS_WAIT_REPLICAS. */
  readonly waitReplicas: number;
  readonly servers: readonly RedisServerFacts[];
}

const OLDEST = '6.2';
const FULL = 0.8;

/** Fields and values of the text of INFO. */
export const parseInfo = (text: string): Record<string, string> =>
  Object.fromEntries(
    text
      .split(/\r?\n/)
      .filter((line) => line.includes(':') && !line.startsWith('#'))
      .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]),
  );

function connectFinding(text: string): Finding {
  if (/NOAUTH|WRONGPASS|NOPERM/.test(text))
    return error(
      'connection',
      text,
      'correct REDIS_USER and REDIS_PASSWORD; deploy/redis/users.acl has the rights',
    );
  if (/sentinel/i.test(text))
    return error('connection', text, 'check REDIS_SENTINEL_NAME and that REDIS_URL lists the Sentinels');
  return error('connection', text, 'start redis-server; check REDIS_URL, REDIS_MODE and the firewall');
}

function roleFinding(info: Readonly<Record<string, string>>, { mode, waitReplicas }: RedisFacts): Finding {
  const replicas = Number(info['connected_slaves'] ?? 0);
  const isCluster = info['cluster_enabled'] === '1' || info['redis_mode'] === 'cluster';
  if (isCluster && mode !== 'cluster')
    return error('role', `a node of a Redis Cluster, and REDIS_MODE is ${mode}`, 'set REDIS_MODE=cluster');
  if (!isCluster && mode === 'cluster')
    return error('role', 'no Redis Cluster', 'set REDIS_MODE=standalone or sentinel');
  if (info['role'] !== 'master')
    return error(
      'role',
      `a replica of ${info['master_host'] ?? 'another server'}`,
      'point REDIS_URL to the primary, or set REDIS_MODE=sentinel: a replica refuses writes',
    );
  if (replicas < waitReplicas)
    return error(
      'role',
      `primary with ${replicas} replicas, REDIS_WAIT_REPLICAS is ${waitReplicas}`,
      'start the replicas: until then JetStream keeps every notification that waits for a retry',
    );
  return ok('role', `primary with ${replicas} replica${replicas === 1 ? '' : 's'}`);
}

function persistenceFinding(info: Readonly<Record<string, string>>): Finding {
  const aof = info['aof_enabled'] === '1';
  if (info['loading'] === '1')
    return warning(
      'persistence',
      'is loading its data',
      'wait until it has loaded; notifications wait in JetStream',
    );
  if (aof && info['aof_last_write_status'] === 'err')
    return error('persistence', 'the last write of the append-only file failed', 'check the disk of Redis');
  if (info['rdb_last_bgsave_status'] === 'err')
    return error('persistence', 'the last snapshot failed, so writes are refused', 'check the disk of Redis');
  if (!aof)
    return warning(
      'persistence',
      'no append-only file',
      'set appendonly yes: a restart loses notifications that wait for a retry',
    );
  return ok('persistence', 'append-only file');
}

function memoryFindings(info: Readonly<Record<string, string>>): Finding[] {
  const policy = info['maxmemory_policy'];
  const [used, max] = [Number(info['used_memory'] ?? 0), Number(info['maxmemory'] ?? 0)];
  const mebibytes = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;
  return [
    ...(policy === undefined
      ? []
      : [
          policy === 'noeviction'
            ? ok('eviction', policy)
            : error('eviction', policy, 'set maxmemory-policy noeviction: Redis would delete notifications'),
        ]),
    max > 0 && used > FULL * max
      ? warning(
          'memory',
          `${mebibytes(used)} of ${mebibytes(max)}`,
          'raise maxmemory: a full Redis refuses writes',
        )
      : ok('memory', max > 0 ? `${mebibytes(used)} of ${mebibytes(max)}` : `${mebibytes(used)}, no limit`),
  ];
}

function versionFinding(info: Readonly<Record<string, string>>): Finding {
  const version = info['redis_version'] ?? '';
  return isOlder(version, OLDEST)
    ? warning('version', version, `upgrade to Redis ${OLDEST} or newer, as BullMQ recommends`)
    : ok('version', version || 'unknown');
}

/** Names the server in each finding if there are several. */
const named = ({ name }: RedisServerFacts, findings: readonly Finding[]): Finding[] =>
  findings.map((one) => (name === '' ? one : { ...one, found: `${name}: ${one.found}` }));

export function redisFindings(facts: RedisFacts): Finding[] {
  if (facts.connectError !== undefined) return [connectFinding(facts.connectError)];
  return facts.servers.flatMap((server) =>
    named(server, [
      versionFinding(server.info),
      roleFinding(server.info, facts),
      persistenceFinding(server.info),
      ...memoryFindings(server.info),
    ]),
  );
}
