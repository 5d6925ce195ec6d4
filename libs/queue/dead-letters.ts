import type { Entry } from './entry.ts';
import { deadLetterKeys, deadOfCallKey, deadOfOriginKey } from './keys.ts';
import type { RedisClient } from './redis.ts';
import { type Script, script } from './script.ts';

/**
 * Why a notification will not be retried: the endpoint answered 410 (`gone`) or rejected this message (`refused`), the
 * URL is not allowed (`refused_url`), the retry schedule is exhausted, or the endpoint is disabled.
 */
export type DeadReason = 'gone' | 'refused' | 'refused_url' | 'exhausted' | 'endpoint_disabled';

/** A notification that will not be retried, with everything that a replay needs. */
export interface DeadLetter extends Entry {
  readonly call: string;
  /** Scheme, host and port of the endpoint; empty when its URL is invalid. */
  readonly origin: string;
  /** When it became a dead letter, epoch ms. */
  readonly time: number;
  readonly reason: DeadReason;
  readonly error: string;
  /** HTTP status of the last attempt, if it got an answer. */
  readonly status?: number;
}

/** Selects dead letters that match all given conditions. */
export interface DeadLetterFilter {
  readonly call?: string | undefined;
  readonly origin?: string | undefined;
  /** Dead at this time or later, epoch ms. */
  readonly since?: number | undefined;
  /** Dead before this time, epoch ms. */
  readonly until?: number | undefined;
}

export interface DeadLetterLimits {
  readonly max: number;
  readonly maxAgeMs: number;
}

const AT_ONCE = 500;

const matches = (letter: DeadLetter, { origin, since = 0, until = Infinity }: DeadLetterFilter): boolean =>
  letter.time >= since && letter.time < until && (origin === undefined || letter.origin === origin);

/** Stores dead letters and finds them by id, call, endpoint and time. Key names: keys.ts. */
export class DeadLetters {
  readonly #redis: RedisClient;
  readonly #prefix: string;
  readonly #letters: string;
  readonly #times: string;
  readonly #keep: Script;
  readonly #remove: Script;

  constructor(redis: RedisClient, prefix: string) {
    const { letters, times } = deadLetterKeys(prefix);
    this.#redis = redis;
    this.#prefix = prefix;
    this.#letters = letters;
    this.#times = times;
    this.#keep = script(redis, 'keep-dead-letter');
    this.#remove = script(redis, 'remove-dead-letters');
  }

  /** Stores a dead letter and replaces one with the same id. */
  async keep(letter: DeadLetter): Promise<void> {
    await this.#keep(
      [this.#letters, this.#times, ...this.#indexes(letter)],
      [letter.id, letter.time, letter.at, JSON.stringify(letter)],
    );
  }

  /**
   * Removes the oldest dead letters beyond the limits of age at `now` (epoch ms) and number. @returns the number
   * removed.
   */
  async trim({ max, maxAgeMs }: DeadLetterLimits, now: number): Promise<number> {
    let removed = 0;
    for (;;) {
      const surplus = (await this.count()) - max;
      const old = `(${now - maxAgeMs}`;
      const ids =
        surplus > 0
          ? await this.#redis.zrange(this.#times, 0, String(Math.min(surplus, AT_ONCE) - 1))
          : await this.#redis.zrangebyscore(this.#times, '-inf', old, 'LIMIT', 0, AT_ONCE);
      const some = await this.remove(await this.byId(ids));
      if (some === 0) return removed;
      removed += some;
    }
  }

  count(): Promise<number> {
    return this.#redis.zcard(this.#times);
  }

  /** The dead letters with these ids that exist, in the order of the ids. */
  async byId(ids: readonly string[]): Promise<DeadLetter[]> {
    if (ids.length === 0) return [];
    const texts = await this.#redis.hmget(this.#letters, ...ids);
    return texts.flatMap((text) => (text === null ? [] : [JSON.parse(text) as DeadLetter]));
  }

  /** Matching dead letters, newest first. */
  async list(filter: DeadLetterFilter, limit: number): Promise<DeadLetter[]> {
    if (filter.call !== undefined)
      return (await this.ofCall(filter.call, filter)).toReversed().slice(0, limit);
    const [key, from, to] = this.#byTime(filter);
    return this.byId(await this.#redis.zrevrangebyscore(key, to, from, 'LIMIT', 0, limit));
  }

  /** Dead letters of a call, in the order of its events. */
  async ofCall(call: string, filter: DeadLetterFilter = {}): Promise<DeadLetter[]> {
    const letters = await this.byId(await this.#redis.zrange(deadOfCallKey(this.#prefix, call), 0, '-1'));
    return letters
      .filter((letter) => matches(letter, filter))
      .sort((one, other) => one.at - other.at || one.order - other.order);
  }

  /** Calls with matching dead letters, ordered by their oldest one. */
  async calls(filter: DeadLetterFilter): Promise<string[]> {
    if (filter.call !== undefined) return [filter.call];
    const [key, from, to] = this.#byTime(filter);
    const ids = await this.#redis.zrangebyscore(key, from, to);
    const calls = new Set<string>();
    for (let i = 0; i < ids.length; i += AT_ONCE)
      for (const { call } of await this.byId(ids.slice(i, i + AT_ONCE))) calls.add(call);
    return [...calls];
  }

  /** Removes dead letters unless they were replaced since they were read. @returns the number removed. */
  async remove(letters: readonly DeadLetter[]): Promise<number> {
    if (letters.length === 0) return 0;
    const keys = letters.flatMap((letter) => this.#indexes(letter));
    const args = letters.flatMap((letter) => [letter.id, JSON.stringify(letter)]);
    return (await this.#remove([this.#letters, this.#times, ...keys], args)) as number;
  }

  #indexes({ call, origin }: DeadLetter): readonly [string, string] {
    return [deadOfCallKey(this.#prefix, call), deadOfOriginKey(this.#prefix, origin)];
  }

  #byTime({ origin, since, until }: DeadLetterFilter): [key: string, from: string, to: string] {
    return [
      origin === undefined ? this.#times : deadOfOriginKey(this.#prefix, origin),
      String(since ?? '-inf'),
      until === undefined ? '+inf' : `(${until}`,
    ];
  }
}
