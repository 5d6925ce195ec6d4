import type { Redis } from 'ioredis';
import { replicationKeys } from './keys.ts';
import { isCluster, type RedisClient } from './redis.ts';
import { luaText } from './script.ts';

/** The hash tag of the keys that were written: a partition, or the name of another group of keys.ts. */
export type Slot = number | 'retry' | 'dead';

/** How long replicas have to confirm, ms. */
const WAIT_MS = 1_000;
/** Expiry of a mark, s. */
const MARK_S = 60;

/** Commands wait while Redis is away: what is not confirmed in time is not confirmed. */
async function withinTime(work: Promise<void>): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('Redis does not answer')), 2 * WAIT_MS);
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/**
 * Confirms that what this process has written is on replicas, so that one failover does not lose it.
 *
 *     const since = replication.now();
 *     await write();
 *     await replication.confirm(since, [partition, 'retry']);
 *
 * WAIT would block a connection that others use, and count nothing after a reconnect. So it runs on a connection of its
 * own, after a mark: the mark is written after the data over the connection of the data, the other connection finds the
 * mark, which proves that its server has the data, writes once more and waits. When the connection of the data was lost
 * in between, its server may have been replaced, and nothing is confirmed.
 */
export class Replication {
  readonly #redis: RedisClient;
  readonly #prefix: string;
  readonly #replicas: number;
  readonly #waiting: RedisClient | undefined;
  readonly #instance: string;
  readonly #confirmWritten = luaText('confirm-written');
  readonly #pending = new Map<Slot, Promise<void>>();
  /** Number of lost connections. */
  #losses = 0;
  #marks = 0;

  /**
   * @param instance id of this process.
   * @param replicas how many must confirm; with 0 everything is confirmed at once.
   */
  constructor(redis: RedisClient, prefix: string, instance: string, replicas: number) {
    this.#instance = instance;
    this.#redis = redis;
    this.#prefix = prefix;
    this.#replicas = replicas;
    if (replicas === 0) return;
    const lost = () => {
      this.#losses++;
    };
    redis.on('close', lost);
    if (isCluster(redis)) {
      redis.on('+node', (node: Redis) => node.on('close', lost));
      for (const node of redis.nodes('all')) node.on('close', lost);
    }
    const waiting: RedisClient = isCluster(redis) ? redis.duplicate() : redis.duplicate();
    waiting.on('error', () => {});
    this.#waiting = waiting;
  }

  /** Before a write: what `confirm` has to know. */
  now(): number {
    return this.#losses;
  }

  /** @throws when not as many replicas confirm in time, or a connection was lost since `since`. */
  async confirm(since: number, slots: readonly Slot[]): Promise<void> {
    if (this.#waiting === undefined) return;
    const distinct = [...new Set(slots)];
    await Promise.all(distinct.map((slot) => this.#confirmSlot(slot)));
    if (this.#losses !== since) throw new Error('the connection to Redis was lost before replicas confirmed');
  }

  close(): void {
    this.#waiting?.disconnect();
  }

  /** Those that ask in one turn of the event loop share an answer. */
  #confirmSlot(slot: Slot): Promise<void> {
    let pending = this.#pending.get(slot);
    if (pending === undefined) {
      pending = withinTime(this.#ask(slot));
      this.#pending.set(slot, pending);
      setImmediate(() => this.#pending.delete(slot));
    }
    return pending;
  }

  async #ask(slot: Slot): Promise<void> {
    const { written, waited } = replicationKeys(this.#prefix, slot, this.#instance);
    const mark = ++this.#marks;
    await this.#redis.set(written, mark, 'EX', MARK_S);
    // In one pipeline: on a cluster too both then go to the primary of the slot, over one connection.
    const results = await this.#waiting
      ?.pipeline()
      .eval(this.#confirmWritten, 2, written, waited, mark)
      .wait(this.#replicas, WAIT_MS)
      .exec();
    const [[scriptError, confirmed] = [], [waitError, replicas] = []] = results ?? [];
    if (scriptError || waitError) throw scriptError ?? waitError;
    if (confirmed !== 1) throw new Error('Redis has another primary now');
    if (Number(replicas) < this.#replicas)
      throw new Error(`${replicas} of ${this.#replicas} replicas of Redis confirm what is written`);
  }
}
