import { isCluster, type RedisClient, refusalText, withRedis } from '#libs/queue/redis.ts';
import type { RedisConfig } from '#libs/queue/settings.ts';
import { parseInfo, type RedisFacts, type RedisServerFacts } from './redis.ts';

async function serversOf(redis: RedisClient): Promise<RedisServerFacts[]> {
  if (!isCluster(redis)) return [{ name: '', info: parseInfo(await redis.info()) }];
  return Promise.all(
    redis.nodes('master').map(async (node) => ({
      name: `${node.options.host}:${node.options.port}`,
      info: parseInfo(await node.info()),
    })),
  );
}

export async function redisFacts(config: RedisConfig, waitReplicas: number): Promise<RedisFacts> {
  const base = { mode: config.REDIS_MODE, waitReplicas };
  try {
    return { ...base, servers: await withRedis(config, serversOf) };
  } catch (error) {
    return { ...base, servers: [], connectError: refusalText(error as Error) };
  }
}
