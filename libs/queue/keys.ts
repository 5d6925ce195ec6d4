import { partitionOf } from '#libs/contract/partition.ts';

/**
 * Names of all keys in Redis. Keys that one script touches share a hash tag, which is one slot of a Redis Cluster: all of
 * a partition (`{dialhook:7}`), the retry queue, the dead letters, the endpoints.
 */
const tagged = (prefix: string, tag: string | number): string => `{${prefix}:${tag}}`;

/** The keys of one call, all in its partition. */
export interface CallKeys {
  /** List of entries, the oldest first. */
  readonly waiting: string;
  /** Hash of the time of each entry ever appended, by LEG.ACTION; expires `DEDUP_MS` after the last one. */
  readonly seen: string;
  /** Token of the claim; expires. */
  readonly claim: string;
}

export function callKeys(prefix: string, call: string): CallKeys {
  const tag = tagged(prefix, partitionOf(call));
  return { waiting: `${tag}:waiting:${call}`, seen: `${tag}:seen:${call}`, claim: `${tag}:claim:${call}` };
}

/** Instance id of the notifier that reads a partition; expires. */
export const leaseKey = (prefix: string, partition: number): string => `${tagged(prefix, partition)}:lease`;

/** Sorted set of notifiers by the time of their last heartbeat, epoch ms by Redis's clock. */
export const notifiersKey = (prefix: string): string => tagged(prefix, 'notifiers');

/** Written to find out how far replicas are, in the same slot as what must be replicated. */
export const replicationKeys = (prefix: string, tag: string | number, instance: string) => ({
  written: `${tagged(prefix, tag)}:written:${instance}`,
  waited: `${tagged(prefix, tag)}:waited`,
});

/** What BullMQ puts before the keys of the retry queue. */
export const retryPrefix = (prefix: string): string => tagged(prefix, 'retry');

/** Set of the origins of which something is known. */
export const knownEndpointsKey = (prefix: string): string => `${tagged(prefix, 'endpoints')}:known`;

/** Hash of what is known against an endpoint. It does not exist while nothing is known. */
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

/** Sorted set of a call's dead letters in the order of the call. */
export const deadOfCallKey = (prefix: string, call: string): string =>
  `${tagged(prefix, 'dead')}:call:${call}`;

/** Sorted set of an endpoint's dead letters by the time they became dead letters, epoch ms. */
export const deadOfOriginKey = (prefix: string, origin: string): string =>
  `${tagged(prefix, 'dead')}:origin:${origin}`;
