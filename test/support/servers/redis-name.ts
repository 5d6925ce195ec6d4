import { Redis } from 'ioredis';
import { until } from '#test/support/until.ts';
import { startRedis } from './redis.ts';
import { startTcpName } from './tcp-name.ts';

/** A primary and a replica behind one name, as managed services have it. */
export interface RedisName extends AsyncDisposable {
  /** `redis://127.0.0.1:PORT`, which leads to the primary. */
  readonly url: string;
  /** A client of the first primary. */
  readonly first: Redis;
  /** A planned failover: the replica becomes the primary and the name leads to it. Open connections stay. */
  failOver(): Promise<void>;
}

const portOf = (url: string): number => Number(new URL(url).port);

export async function startRedisName(): Promise<RedisName> {
  const servers = [await startRedis({ tcp: true }), await startRedis({ tcp: true })] as const;
  const [first, second] = [new Redis(servers[0].url), new Redis(servers[1].url)];
  const [firstPort, secondPort] = [portOf(servers[0].url), portOf(servers[1].url)];
  const name = await startTcpName(firstPort);
  await second.replicaof('127.0.0.1', firstPort);
  await until('the replica is in sync', async () =>
    (await second.info('replication')).includes('master_link_status:up'),
  );
  return {
    url: `redis://127.0.0.1:${name.port}`,
    first,
    failOver: async () => {
      name.moveTo(secondPort);
      await second.replicaof('NO', 'ONE');
      await first.replicaof('127.0.0.1', secondPort);
    },
    [Symbol.asyncDispose]: async () => {
      first.disconnect();
      second.disconnect();
      name[Symbol.dispose]();
      await Promise.all(servers.map((server) => server.stop()));
    },
  };
}
