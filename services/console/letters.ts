import type { z } from 'zod';
import type {
  EndpointList,
  EndpointSummary,
  Letter,
  LetterFilter,
  ReplayRequest,
} from '#libs/contract/console.ts';
import { publicUrl } from '#libs/http/wire-request.ts';
import { originOf } from '#libs/net/url.ts';
import { type DeadLetter, DeadLetters, type LetterFilter as QueueFilter } from '#libs/queue/dead-letters.ts';
import { type EndpointRecord, Endpoints } from '#libs/queue/endpoints.ts';
import { withRedis } from '#libs/queue/redis.ts';
import { replay } from '#libs/queue/replay.ts';
import type { RedisConfig } from '#libs/queue/settings.ts';
import type { Routed } from './instances.ts';

const iso = (ms: number): string => new Date(ms).toISOString();
const epoch = (time: string | undefined): number | undefined =>
  time === undefined ? undefined : Date.parse(time);

const queueFilter = ({ call, endpoint, since, until }: LetterFilter): QueueFilter => ({
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
}: DeadLetter): Letter => ({
  id,
  call,
  time: iso(time),
  endpoint: origin,
  url: publicUrl(progress.url),
  reason,
  attempts,
  error,
  ...(status === undefined ? {} : { status }),
  notification: progress.notification,
});

const known = (record: EndpointRecord): NonNullable<EndpointSummary['notifications']> => ({
  state: record.state,
  ...(record.by === undefined ? {} : { by: record.by }),
  since: iso(record.since),
  ...(record.probeFrom === undefined ? {} : { tried_again: iso(record.probeFrom) }),
  failures: record.failures,
  error: record.error,
});

/** What the notifiers keep in Redis: dead letters, and what is known against endpoints. A connection for each piece of work. */
export class Letters {
  readonly #config: RedisConfig;
  readonly #prefix: string;

  constructor(config: RedisConfig & { readonly QUEUE_PREFIX: string }) {
    this.#config = config;
    this.#prefix = config.QUEUE_PREFIX;
  }

  list(filter: LetterFilter, limit: number): Promise<{ letters: Letter[]; total: number }> {
    return withRedis(this.#config, async (redis) => {
      const dead = new DeadLetters(redis, this.#prefix);
      const [letters, total] = await Promise.all([dead.list(queueFilter(filter), limit), dead.count()]);
      return { letters: letters.map(shown), total };
    });
  }

  find(id: string): Promise<Letter | undefined> {
    return withRedis(this.#config, async (redis) => {
      const [letter] = await new DeadLetters(redis, this.#prefix).byId([id]);
      return letter === undefined ? undefined : shown(letter);
    });
  }

  replay({ ids, all: _, ...filter }: ReplayRequest) {
    return withRedis(this.#config, async (redis) => {
      const { sent, skipped } = await replay(redis, this.#prefix, ids ?? queueFilter(filter));
      return { replayed: sent, skipped: Object.fromEntries(skipped) };
    });
  }

  /** Adds what the notifiers know to what the routers know. */
  endpoints(routed: readonly Routed[]): Promise<z.output<typeof EndpointList>> {
    return withRedis(this.#config, async (redis) => {
      const records = new Map(
        (await new Endpoints(redis, this.#prefix).list()).map((one) => [one.origin, known(one)]),
      );
      const nobodyAsks = [...records.keys()].filter((origin) => !routed.some((one) => one.origin === origin));
      const all = [
        ...routed,
        ...nobodyAsks.map((origin) => ({ origin, requests: 0, failures: 0, breakers: {}, last_errors: [] })),
      ];
      return {
        endpoints: all.map((one) => {
          const notifications = records.get(one.origin);
          return { ...one, ...(notifications === undefined ? {} : { notifications }) };
        }),
      };
    });
  }

  switchEndpoint(origin: string, on: boolean): Promise<void> {
    return withRedis(this.#config, async (redis) => {
      const endpoints = new Endpoints(redis, this.#prefix);
      if (on) await endpoints.switchOn(origin);
      else await endpoints.switchOff(origin);
    });
  }
}
