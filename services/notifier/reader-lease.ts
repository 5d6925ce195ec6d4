import type { Redis } from 'ioredis';
import { defineScript, type Script } from '#libs/queue/redis.ts';

const TAKE = `
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`;

const LEAVE = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end`;

/**
 * The one place from which the stream is read. Two notifiers that read at once would put a call's ring and answer into
 * Redis in any order; with one reader the order is the stream's, and delivering is still everybody's work.
 *
 *     PREFIX:reader   the holder's id, expires `leaseMs` after it was last heard of
 */
export class ReaderLease {
  readonly key: string;
  readonly holder: string;
  readonly #leaseMs: number;
  readonly #take: Script;
  readonly #leave: Script;

  constructor(redis: Redis, prefix: string, holder: string, leaseMs: number) {
    this.key = `${prefix}:reader`;
    this.holder = holder;
    this.#leaseMs = leaseMs;
    this.#take = defineScript(redis, 'dialhookTakeLease', TAKE);
    this.#leave = defineScript(redis, 'dialhookLeaveLease', LEAVE);
  }

  /** Takes the lease or keeps it for another `leaseMs`; false when somebody else has it. */
  async take(): Promise<boolean> {
    return (await this.#take([this.key], [this.holder, this.#leaseMs])) === 1;
  }

  async leave(): Promise<void> {
    await this.#leave([this.key], [this.holder]);
  }
}
