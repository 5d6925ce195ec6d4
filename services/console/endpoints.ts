import type { z } from 'zod';
import type { EndpointList, EndpointSummary } from '#libs/contract/console.ts';
import { type EndpointRecord, EndpointState } from '#libs/queue/endpoint-state.ts';
import { withRedis } from '#libs/queue/redis.ts';
import type { RedisConfig } from '#libs/queue/settings.ts';
import type { RouterView } from './instances.ts';

const iso = (ms: number): string => new Date(ms).toISOString();

const shown = (record: EndpointRecord): NonNullable<EndpointSummary['notifications']> => ({
  state: record.state,
  ...(record.by === undefined ? {} : { by: record.by }),
  since: iso(record.since),
  ...(record.probeFrom === undefined ? {} : { tried_again: iso(record.probeFrom) }),
  failures: record.failures,
  error: record.error,
});

/** The notifiers' endpoint state in Redis. Each method opens a connection of its own and closes it. */
export class EndpointStore {
  readonly #config: RedisConfig;
  readonly #prefix: string;

  constructor(config: RedisConfig & { readonly QUEUE_PREFIX: string }) {
    this.#config = config;
    this.#prefix = config.QUEUE_PREFIX;
  }

  /** Merges the routers' figures with the notifiers' state. */
  list(requested: readonly RouterView[]): Promise<z.output<typeof EndpointList>> {
    return withRedis(this.#config, async (redis) => {
      const records = new Map(
        (await new EndpointState(redis, this.#prefix).list()).map((one) => [one.origin, shown(one)]),
      );
      const notifiedOnly = [...records.keys()].filter(
        (origin) => !requested.some((one) => one.origin === origin),
      );
      const all = [
        ...requested,
        ...notifiedOnly.map((origin) => ({
          origin,
          requests: 0,
          failures: 0,
          breakers: {},
          last_errors: [],
        })),
      ];
      return {
        endpoints: all.map((one) => {
          const notifications = records.get(one.origin);
          return { ...one, ...(notifications === undefined ? {} : { notifications }) };
        }),
      };
    });
  }

  setEnabled(origin: string, enabled: boolean): Promise<void> {
    return withRedis(this.#config, async (redis) => {
      const endpoints = new EndpointState(redis, this.#prefix);
      if (enabled) await endpoints.enable(origin);
      else await endpoints.disable(origin);
    });
  }
}
