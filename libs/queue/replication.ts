import type { Redis } from 'ioredis';
import { replicationKeys } from './keys.ts';
import { isCluster, type RedisClient } from './redis.ts';
import { luaText } from './script.ts';

/** The hash tag of the written keys: a partition, or another group of keys.ts. */
export type Slot = number | 'retry' | 'dead';

/** Time limit for the confirmation of replicas, ms. */
const WAIT_MS = 1_000;
/** Expiry of a mark, s. */
const MARK_S = 60;

/** Commands wait while Redis is disconnected, so the confirmation needs its own time limit. */
async function withinTime(work: Promise<void>): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('Redis does not answer')), 2 * WAIT_MS);
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/**
 * Confirms that data written by this process is on replicas, so that one failover does not lose it.
 *
 *     const since = replication.now();
 *     await write();
 *     await replication.confirm(since, [partition, 'retry']);
 *
 * WAIT blocks its connection and counts only writes of the same connection, so it runs on a connection of its own. The
 * first connection writes a mark after the data. The second one reads the mark, which proves that it is connected to
 * the server with the data, writes a key and waits. When the first connection was lost in between, its server may have
 * been replaced, so nothing is confirmed.
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
   * @param instance instance id of this process.
   * @param replicas number of replicas that must confirm; with 0 `confirm` resolves at once.
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

  /** Call before a write; the result is for `confirm`. */
  now(): number {
    return this.#losses;
  }

  /** @throws when too few replicas confirm in time, or a connection was lost after `since`. */
  async confirm(since: number, slots: readonly Slot[]): Promise<void> {
    if (this.#waiting === undefined) return;
    const distinct = [...new Set(slots)];
    await Promise.all(distinct.map((slot) => this.#confirmSlot(slot)));
    if (this.#losses !== since) throw new Error('the connection to Redis was lost before replicas confirmed');
  }

  close(): void {
    this.#waiting?.disconnect();
  }

  /** Callers within one turn of the event loop share one confirmation. */
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
    // One pipeline: on a cluster both commands then go to the primary of the slot over one connection.
    const waiting = this.#waiting;
    const results = await waiting
      ?.pipeline()
      .eval(this.#confirmWritten, 2, written, waited, mark)
      .wait(this.#replicas, WAIT_MS)
      .exec();
    const [[scriptError, confirmed] = [], [waitError, replicas] = []] = results ?? [];
    if (scriptError || waitError) {
      // WAIT has no key, so ioredis does not follow a MOVED of this pipeline and keeps its table of slots.
      if (waiting && isCluster(waiting)) waiting.refreshSlotsCache();
      throw scriptError ?? waitError;
    }
    if (confirmed !== 1) throw new Error('Redis has another primary now');
    if (Number(replicas) < this.#replicas)
      throw new Error(`${replicas} of ${this.#replicas} replicas of Redis confirm what is written`);
  }
}
