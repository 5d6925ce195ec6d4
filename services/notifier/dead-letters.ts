import type { Redis } from 'ioredis';
import type { Log } from '#libs/telemetry/log.ts';
import type { Entry } from './entry.ts';
import { defineScript, type Script } from './redis.ts';
import type { DeadReason } from './verdict.ts';

/** A notification that was given up, with all that is needed to send it again. */
export interface DeadLetter extends Entry {
  readonly call: string;
  /** Scheme, host and port of the endpoint; empty when its URL is none. */
  readonly origin: string;
  /** When it was given up, epoch milliseconds. */
  readonly time: number;
  readonly attempts: number;
  readonly reason: DeadReason;
  readonly error: string;
  /** The last HTTP status, when the last attempt was answered. */
  readonly status?: number;
}

export interface DeadLetterLimits {
  readonly max: number;
  readonly maxAgeMs: number;
}

const TRIMMED_AT_ONCE = 500;
const TRIM_EVERY_MS = 60_000;

const KEEP_AND_TRIM = `
local letters, times, prefix = KEYS[1], KEYS[2], ARGV[1]
local function drop(id)
  local text = redis.call('HGET', letters, id)
  redis.call('HDEL', letters, id)
  redis.call('ZREM', times, id)
  if not text then return 0 end
  local letter = cjson.decode(text)
  redis.call('ZREM', prefix .. ':dead:call:' .. letter.call, id)
  redis.call('ZREM', prefix .. ':dead:origin:' .. letter.origin, id)
  return 1
end
if ARGV[2] == 'remove' then return drop(ARGV[3]) end
if ARGV[2] == 'keep' then
  local id, time = ARGV[6], ARGV[7]
  redis.call('HSET', letters, id, ARGV[8])
  redis.call('ZADD', times, time, id)
  redis.call('ZADD', prefix .. ':dead:call:' .. ARGV[9], time, id)
  redis.call('ZADD', prefix .. ':dead:origin:' .. ARGV[10], time, id)
end
local max, oldest, trimmed = tonumber(ARGV[3]), tonumber(ARGV[4]), 0
while trimmed < tonumber(ARGV[5]) do
  local first = redis.call('ZRANGE', times, 0, 0, 'WITHSCORES')
  if not first[1] then break end
  if redis.call('ZCARD', times) <= max and tonumber(first[2]) >= oldest then break end
  drop(first[1])
  trimmed = trimmed + 1
end
return trimmed`;

/**
 * Notifications that were given up, bounded by number and age.
 *
 *     PREFIX:dead                 hash, the letter as JSON by notification id
 *     PREFIX:dead:time            zset of ids by the time they were given up, epoch ms
 *     PREFIX:dead:call:CALL       the same, of one call
 *     PREFIX:dead:origin:ORIGIN   the same, of one endpoint
 */
export class DeadLetters {
  readonly #redis: Redis;
  readonly #prefix: string;
  readonly #limits: DeadLetterLimits;
  readonly #log: Log;
  readonly #script: Script;
  #trimmed = 0;

  constructor(redis: Redis, prefix: string, limits: DeadLetterLimits, log: Log) {
    this.#redis = redis;
    this.#prefix = prefix;
    this.#limits = limits;
    this.#log = log;
    this.#script = defineScript(redis, 'dialhookDeadLetters', KEEP_AND_TRIM);
  }

  /** How many letters this process has dropped for the sake of the limits. */
  get trimmed(): number {
    return this.#trimmed;
  }

  /** Keeps a letter; one of the same id takes the place of the older. */
  keep(letter: DeadLetter): Promise<void> {
    const { id, time, call, origin } = letter;
    return this.#runAndTrim('keep', letter.time, [id, time, JSON.stringify(letter), call, origin]);
  }

  /** Drops what is older than the limit at `now`, epoch milliseconds, or too many. */
  trim(now: number): Promise<void> {
    return this.#runAndTrim('trim', now, []);
  }

  /** Trims from time to time. Returns what ends it. */
  keepTrimmed(now: () => number): () => void {
    const timer = setInterval(() => {
      if (this.#redis.status !== 'ready') return;
      this.trim(now()).catch((error: unknown) =>
        this.#log.error({ err: error }, 'trimming dead letters failed'),
      );
    }, TRIM_EVERY_MS);
    return () => clearInterval(timer);
  }

  count(): Promise<number> {
    return this.#redis.zcard(`${this.#prefix}:dead:time`);
  }

  /** The newest letters, of one call or of one endpoint's origin when asked for. */
  async list(of: { readonly call?: string; readonly origin?: string }, limit: number): Promise<DeadLetter[]> {
    const index =
      of.call !== undefined ? `call:${of.call}` : of.origin !== undefined ? `origin:${of.origin}` : 'time';
    const ids = await this.#redis.zrevrange(`${this.#prefix}:dead:${index}`, 0, limit - 1);
    if (ids.length === 0) return [];
    const texts = await this.#redis.hmget(`${this.#prefix}:dead`, ...ids);
    return texts.flatMap((text) => (text === null ? [] : [JSON.parse(text) as DeadLetter]));
  }

  /**
   * Sends a letter again. It leaves the dead letters last, so that a fault on the way makes the endpoint get it twice
   * rather than never. @returns false when there is no such letter.
   */
  async replay(
    id: string,
    put: (entry: Entry) => Promise<void>,
    wake: (call: string) => Promise<void>,
  ): Promise<boolean> {
    const text = await this.#redis.hget(`${this.#prefix}:dead`, id);
    if (text === null) return false;
    const { call, trace, progress } = JSON.parse(text) as DeadLetter;
    await put({ id, trace, progress });
    await wake(call);
    await this.#script(this.#keys(), [this.#prefix, 'remove', id]);
    return true;
  }

  async #runAndTrim(what: 'keep' | 'trim', now: number, args: readonly (string | number)[]): Promise<void> {
    const limits = [this.#limits.max, now - this.#limits.maxAgeMs, TRIMMED_AT_ONCE];
    const trimmed = (await this.#script(this.#keys(), [this.#prefix, what, ...limits, ...args])) as number;
    if (trimmed === 0) return;
    this.#trimmed += trimmed;
    this.#log.warn({ trimmed, trimmed_in_all: this.#trimmed }, 'dropped dead letters: too many or too old');
  }

  #keys(): readonly string[] {
    return [`${this.#prefix}:dead`, `${this.#prefix}:dead:time`];
  }
}
