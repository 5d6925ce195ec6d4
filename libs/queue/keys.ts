import { partitionOf } from '#libs/contract/partition.ts';

/**
 * Names of all keys in Redis. Keys that one script uses share a hash tag and therefore a slot of a Redis Cluster: there
 * is one tag for each partition (`{dialhook:7}`), the retry queue, the dead letters and the endpoints.
 */
const tagged = (prefix: string, tag: string | number): string => `{${prefix}:${tag}}`;

/** The keys of one call, all in its partition. */
export interface CallKeys {
  /** List of entries, oldest first. */
  readonly waiting: string;
  /** Hash of the times of all entries of the call, by LEG.ACTION. Expires `DEDUP_MS` after the last one. */
  readonly seen: string;
  /** Token of the claim. Expires. */
  readonly claim: string;
}

export function callKeys(prefix: string, call: string): CallKeys {
  const tag = tagged(prefix, partitionOf(call));
  return { waiting: `${tag}:waiting:${call}`, seen: `${tag}:seen:${call}`, claim: `${tag}:claim:${call}` };
}

/**
 * Set of the calls of a partition whose notifications are left to the retry queue. Every waiting list is in it, except
 * those of direct deliveries, whose messages are not acknowledged.
 */
export const pendingKey = (prefix: string, partition: number): string =>
  `${tagged(prefix, partition)}:pending`;

/** Instance id of the notifier that checked the retry queue last. Expires when the next check is due. */
export const checkedKey = (prefix: string): string => `${tagged(prefix, 'retry')}:checked`;

/** Instance id of the notifier that reads a partition. Expires. */
export const leaseKey = (prefix: string, partition: number): string => `${tagged(prefix, partition)}:lease`;

/** Sorted set of notifiers by the time of their last heartbeat, epoch ms by Redis's clock. */
export const notifiersKey = (prefix: string): string => tagged(prefix, 'notifiers');

/** Written to check that replicas are up to date. In the slot of the data to be replicated. */
export const replicationKeys = (prefix: string, tag: string | number, instance: string) => ({
  written: `${tagged(prefix, tag)}:written:${instance}`,
  waited: `${tagged(prefix, tag)}:waited`,
});

/** Prefix of BullMQ for the keys of the retry queue. */
export const retryPrefix = (prefix: string): string => tagged(prefix, 'retry');

/** Set of origins with stored state. */
export const knownEndpointsKey = (prefix: string): string => `${tagged(prefix, 'endpoints')}:known`;

/** Hash with the state of an endpoint. Does not exist for a healthy endpoint. */
export const endpointKey = (prefix: string, origin: string): string =>
  `${tagged(prefix, 'endpoints')}:${origin}`;

export interface DeadLetterKeys {
  /** Hash of dead letters as JSON, by notification id. */
  readonly letters: string;
  /** Sorted set of ids by the time they became dead letters, epoch ms. */
  readonly times: string;
}

export const deadLetterKeys = (prefix: string): DeadLetterKeys => ({
  letters: `${tagged(prefix, 'dead')}:letters`,
  times: `${tagged(prefix, 'dead')}:times`,
});

/** Sorted set of the dead letters of a call, in the order of its events. */
export const deadOfCallKey = (prefix: string, call: string): string =>
  `${tagged(prefix, 'dead')}:call:${call}`;

/** Sorted set of the dead letters of an endpoint by the time they became dead letters, epoch ms. */
export const deadOfOriginKey = (prefix: string, origin: string): string =>
  `${tagged(prefix, 'dead')}:origin:${origin}`;
