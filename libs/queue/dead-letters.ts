import type { Redis } from 'ioredis';
import type { Entry } from './entry.ts';
import { defineScript, type Script } from './redis.ts';

/** Why a notification was given up: before its schedule was used up, because it was, or because nobody was asked. */
export type DeadReason = 'gone' | 'refused' | 'refused_url' | 'exhausted' | 'endpoint_disabled';

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

/** Which letters are meant: those to which all that is given applies. */
export interface LetterFilter {
  readonly call?: string | undefined;
  readonly origin?: string | undefined;
  /** Given up at this time or later, epoch milliseconds. */
  readonly since?: number | undefined;
  /** Given up before this time, epoch milliseconds. */
  readonly until?: number | undefined;
}

export interface DeadLetterLimits {
  readonly max: number;
  readonly maxAgeMs: number;
}

const AT_ONCE = 500;

const DROP = `
local letters, times, prefix = KEYS[1], KEYS[2], ARGV[1]
local function drop(id, text)
  redis.call('HDEL', letters, id)
  redis.call('ZREM', times, id)
  if not text then return end
  local letter = cjson.decode(text)
  redis.call('ZREM', prefix .. ':dead:call:' .. letter.call, id)
  redis.call('ZREM', prefix .. ':dead:origin:' .. letter.origin, id)
end`;

const KEEP = `
local letters, times, prefix = KEYS[1], KEYS[2], ARGV[1]
local letter = cjson.decode(ARGV[2])
redis.call('HSET', letters, letter.id, ARGV[2])
redis.call('ZADD', times, letter.time, letter.id)
redis.call('ZADD', prefix .. ':dead:call:' .. letter.call, letter.at, letter.id)
redis.call('ZADD', prefix .. ':dead:origin:' .. letter.origin, letter.time, letter.id)`;

const TRIM = `${DROP}
local max, oldest, trimmed = tonumber(ARGV[2]), tonumber(ARGV[3]), 0
while trimmed < ${AT_ONCE} do
  local first = redis.call('ZRANGE', times, 0, 0, 'WITHSCORES')
  if not first[1] then break end
  if redis.call('ZCARD', times) <= max and tonumber(first[2]) >= oldest then break end
  drop(first[1], redis.call('HGET', letters, first[1]))
  trimmed = trimmed + 1
end
return trimmed`;

const REMOVE = `${DROP}
for i = 2, #ARGV do
  local id = cjson.decode(ARGV[i]).id
  if redis.call('HGET', letters, id) == ARGV[i] then drop(id, ARGV[i]) end
end`;

const wanted = (letter: DeadLetter, { origin, since = 0, until = Infinity }: LetterFilter): boolean =>
  letter.time >= since && letter.time < until && (origin === undefined || letter.origin === origin);

/**
 * Notifications that were given up.
 *
 *     PREFIX:dead                 hash, the letter as JSON by notification id
 *     PREFIX:dead:time            zset of ids by the time they were given up, epoch ms
 *     PREFIX:dead:origin:ORIGIN   the same, of one endpoint
 *     PREFIX:dead:call:CALL       zset of a call's ids in the call's order
 */
export class DeadLetters {
  readonly #redis: Redis;
  readonly #prefix: string;
  readonly #keys: readonly string[];
  readonly #keep: Script;
  readonly #trim: Script;
  readonly #remove: Script;

  constructor(redis: Redis, prefix: string) {
    this.#redis = redis;
    this.#prefix = prefix;
    this.#keys = [`${prefix}:dead`, `${prefix}:dead:time`];
    this.#keep = defineScript(redis, 'dialhookKeepLetter', KEEP);
    this.#trim = defineScript(redis, 'dialhookTrimLetters', TRIM);
    this.#remove = defineScript(redis, 'dialhookRemoveLetters', REMOVE);
  }

  /** Keeps a letter; one of the same id takes the place of the older. */
  async keep(letter: DeadLetter): Promise<void> {
    await this.#keep(this.#keys, [this.#prefix, JSON.stringify(letter)]);
  }

  /** How many there are. */
  size(): Promise<number> {
    return this.#redis.zcard(`${this.#prefix}:dead:time`);
  }

  /** Drops the oldest for as long as they are too old at `now`, epoch milliseconds, or too many. @returns how many. */
  async trim({ max, maxAgeMs }: DeadLetterLimits, now: number): Promise<number> {
    let dropped = 0;
    for (let some = AT_ONCE; some === AT_ONCE; dropped += some)
      some = (await this.#trim(this.#keys, [this.#prefix, max, now - maxAgeMs])) as number;
    return dropped;
  }

  count(): Promise<number> {
    return this.#redis.zcard(`${this.#prefix}:dead:time`);
  }

  /** Those that there are of these, in this order. */
  async byId(ids: readonly string[]): Promise<DeadLetter[]> {
    if (ids.length === 0) return [];
    const texts = await this.#redis.hmget(`${this.#prefix}:dead`, ...ids);
    return texts.flatMap((text) => (text === null ? [] : [JSON.parse(text) as DeadLetter]));
  }

  /** The letters, the newest first. */
  async list(filter: LetterFilter, limit: number): Promise<DeadLetter[]> {
    if (filter.call !== undefined)
      return (await this.ofCall(filter.call, filter)).toReversed().slice(0, limit);
    const [key, from, to] = this.#byTime(filter);
    return this.byId(await this.#redis.zrevrangebyscore(key, to, from, 'LIMIT', 0, limit));
  }

  /** One call's letters, in the call's order. */
  async ofCall(call: string, filter: LetterFilter = {}): Promise<DeadLetter[]> {
    const letters = await this.byId(await this.#redis.zrange(`${this.#prefix}:dead:call:${call}`, 0, '-1'));
    return letters
      .filter((letter) => wanted(letter, filter))
      .sort((one, other) => one.at - other.at || one.order - other.order);
  }

  /** The calls that have such letters, those first whose letters are the oldest. */
  async calls(filter: LetterFilter): Promise<string[]> {
    if (filter.call !== undefined) return [filter.call];
    const [key, from, to] = this.#byTime(filter);
    const ids = await this.#redis.zrangebyscore(key, from, to);
    const calls = new Set<string>();
    for (let i = 0; i < ids.length; i += AT_ONCE)
      for (const { call } of await this.byId(ids.slice(i, i + AT_ONCE))) calls.add(call);
    return [...calls];
  }

  /** Takes letters away, except those that have been given up anew since they were read. */
  async remove(letters: readonly DeadLetter[]): Promise<void> {
    const texts = letters.map((letter) => JSON.stringify(letter));
    await this.#remove(this.#keys, [this.#prefix, ...texts]);
  }

  #byTime({ origin, since, until }: LetterFilter): [key: string, from: string, to: string] {
    const key = origin === undefined ? 'time' : `origin:${origin}`;
    return [
      `${this.#prefix}:dead:${key}`,
      String(since ?? '-inf'),
      until === undefined ? '+inf' : `(${until}`,
    ];
  }
}
