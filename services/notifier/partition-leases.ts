import { leaseKey, notifiersKey } from '#libs/queue/keys.ts';
import type { RedisClient } from '#libs/queue/redis.ts';
import { type Script, script, withKeys } from '#libs/queue/script.ts';

/** Longer than any TAKEOVER_MS. Another program has set a lease that is longer. */
const MAX_LEASE_MS = 120_000;

export type Taking = 'taken' | 'kept' | 'other';

/** Partition leases and the registry of notifiers. Both kinds of entries expire `leaseMs` after their last renewal. */
export class PartitionLeases {
  readonly #redis: RedisClient;
  readonly #prefix: string;
  readonly #holder: string;
  readonly #leaseMs: number;
  readonly #take: Script;
  readonly #release: Script;
  readonly #heartbeat: Script;

  constructor(redis: RedisClient, prefix: string, holder: string, leaseMs: number) {
    this.#redis = redis;
    this.#prefix = prefix;
    this.#holder = holder;
    this.#leaseMs = leaseMs;
    this.#take = script(redis, 'take-lease');
    this.#release = script(redis, 'release-lease');
    this.#heartbeat = script(redis, 'heartbeat');
  }

  /** Registers this notifier as alive. @returns the number of notifiers, and the index of this one among them. */
  async heartbeat(): Promise<{ readonly notifiers: number; readonly index: number }> {
    const key = notifiersKey(this.#prefix);
    const all = (await this.#heartbeat([key], [this.#holder, this.#leaseMs])) as string[];
    return { notifiers: all.length, index: all.toSorted().indexOf(this.#holder) };
  }

  /** Acquires or renews a lease. */
  async take(partition: number): Promise<Taking> {
    const args = [this.#holder, this.#leaseMs, MAX_LEASE_MS];
    return (await this.#take([leaseKey(this.#prefix, partition)], args)) as Taking;
  }

  /** Returns those of the given partitions that have no lease. */
  async free(partitions: readonly number[]): Promise<number[]> {
    const held = await Promise.all(
      partitions.map((partition) => this.#redis.pttl(leaseKey(this.#prefix, partition))),
    );
    return partitions.filter((_, i) => {
      const leftMs = held[i] ?? 0;
      return leftMs < 0 || leftMs > MAX_LEASE_MS;
    });
  }

  async release(partition: number): Promise<void> {
    await this.#release([leaseKey(this.#prefix, partition)], [this.#holder]);
  }

  /** Removes this notifier from the register. */
  async leave(): Promise<void> {
    const key = notifiersKey(this.#prefix);
    await withKeys(this.#redis, [key], () => this.#redis.zrem(key, this.#holder));
  }
}
