import type { z } from 'zod';
import type {
  DeadLetterFilter,
  DeadLetterList,
  ReplayRequest,
  ReplayResult,
  DeadLetter as ShownDeadLetter,
} from '#libs/contract/console.ts';
import { originOf, publicUrl } from '#libs/net/url.ts';
import {
  type DeadLetter,
  DeadLetters,
  type DeadLetterFilter as QueueFilter,
} from '#libs/queue/dead-letters.ts';
import { withRedis } from '#libs/queue/redis.ts';
import { replay } from '#libs/queue/replay.ts';
import type { RedisConfig } from '#libs/queue/settings.ts';

const epoch = (time: string | undefined): number | undefined =>
  time === undefined ? undefined : Date.parse(time);

const queueFilter = ({ call, endpoint, since, until }: DeadLetterFilter): QueueFilter => ({
  call,
  origin: endpoint === undefined ? undefined : originOf(endpoint),
  since: epoch(since),
  until: epoch(until),
});

const shown = ({
  id,
  call,
  time,
  origin,
  reason,
  attempts,
  error,
  status,
  progress,
}: DeadLetter): ShownDeadLetter => ({
  id,
  call,
  time: new Date(time).toISOString(),
  endpoint: origin,
  url: publicUrl(progress.url),
  reason,
  attempts,
  error,
  ...(status === undefined ? {} : { status }),
  notification: progress.notification,
});

/** The dead letters in Redis. Each method opens a connection of its own and closes it. */
export class DeadLetterStore {
  readonly #config: RedisConfig;
  readonly #prefix: string;

  constructor(config: RedisConfig & { readonly QUEUE_PREFIX: string }) {
    this.#config = config;
    this.#prefix = config.QUEUE_PREFIX;
  }

  list(filter: DeadLetterFilter, limit: number): Promise<z.output<typeof DeadLetterList>> {
    return withRedis(this.#config, async (redis) => {
      const queue = new DeadLetters(redis, this.#prefix);
      const [found, total] = await Promise.all([queue.list(queueFilter(filter), limit), queue.count()]);
      return { dead_letters: found.map(shown), total };
    });
  }

  find(id: string): Promise<ShownDeadLetter | undefined> {
    return withRedis(this.#config, async (redis) => {
      const [found] = await new DeadLetters(redis, this.#prefix).byId([id]);
      return found === undefined ? undefined : shown(found);
    });
  }

  replay({ ids, all: _, ...filter }: ReplayRequest): Promise<z.output<typeof ReplayResult>> {
    return withRedis(this.#config, async (redis) => {
      const { sent, skipped } = await replay(redis, this.#prefix, ids ?? queueFilter(filter));
      return { replayed: sent, skipped: Object.fromEntries(skipped) };
    });
  }
}
