import type { Redis } from 'ioredis';
import { defineScript, type Script } from './redis.ts';

/** How long the lease stays taken after its holder was last heard of. */
export const LEASE_MS = 5_000;

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
 *     PREFIX:reader   the holder's id, expires after LEASE_MS
 */
export class ReaderLease {
  readonly key: string;
  readonly holder: string;
  readonly #take: Script;
  readonly #leave: Script;

  constructor(redis: Redis, prefix: string, holder: string) {
    this.key = `${prefix}:reader`;
    this.holder = holder;
    this.#take = defineScript(redis, 'dialhookTakeLease', TAKE);
    this.#leave = defineScript(redis, 'dialhookLeaveSeat', LEAVE);
  }

  /** Takes the lease or keeps it for another LEASE_MS; false when somebody else has it. */
  async take(): Promise<boolean> {
    return (await this.#take([this.key], [this.holder, LEASE_MS])) === 1;
  }

  async leave(): Promise<void> {
    await this.#leave([this.key], [this.holder]);
  }
}
