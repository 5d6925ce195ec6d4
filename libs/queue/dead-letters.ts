import { chunks } from '#libs/chunks/chunks.ts';
import { InvalidEntryError, MAX_TIME_MS, type QueueEntry, readEntry } from './entry.ts';
import { deadLetterKeys, deadOfCallKey, deadOfOriginKey } from './keys.ts';
import { isText, type Member, memberOf } from './member.ts';
import type { RedisClient } from './redis.ts';
import { type Script, script, withKeys } from './script.ts';

/**
 * Why a notification will not be retried: the endpoint answered 410 (`gone`) or rejected this message (`refused`), the
 * URL is not allowed (`refused_url`), the retry schedule is exhausted, the endpoint is disabled, or the
 * notification itself cannot be processed (`unprocessable`, see libs/isolation).
 */
export type DeadReason =
  | 'gone'
  | 'refused'
  | 'refused_url'
  | 'exhausted'
  | 'endpoint_disabled'
  | 'unprocessable';

/** A notification that will not be retried, with everything that a replay needs. */
export interface DeadLetter extends QueueEntry {
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

/** What is stored under an id. */
interface Found {
  readonly id: Member;
  /** Undefined without a letter. */
  readonly text: string | undefined;
  /** Undefined when the text is no dead letter with this id. */
  readonly letter: DeadLetter | undefined;
}

/** Undefined for a text that is no dead letter with this id. */
function readLetter(id: string, text: string): DeadLetter | undefined {
  try {
    const letter = readEntry(text) as DeadLetter;
    const { call, origin, reason, error, time } = letter;
    const hasTexts = [call, origin, reason, error].every((one) => typeof one === 'string');
    return hasTexts && letter.id === id && Number.isFinite(time) && time <= MAX_TIME_MS ? letter : undefined;
  } catch (error) {
    if (error instanceof InvalidEntryError) return undefined;
    throw error;
  }
}

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
  readonly #trim: Script;
  /** The texts of letters that were read. */
  readonly #texts = new WeakMap<DeadLetter, string>();

  constructor(redis: RedisClient, prefix: string) {
    const { letters, times } = deadLetterKeys(prefix);
    this.#redis = redis;
    this.#prefix = prefix;
    this.#letters = letters;
    this.#times = times;
    this.#keep = script(redis, 'keep-dead-letter');
    this.#remove = script(redis, 'remove-dead-letters');
    this.#trim = script(redis, 'trim-dead-letters');
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
   * @param onCorrupt called for each id of them without a readable letter.
   */
  async trim(
    { max, maxAgeMs }: DeadLetterLimits,
    now: number,
    onCorrupt: (id: string) => void = () => {},
  ): Promise<number> {
    const oldest = now - maxAgeMs;
    let removed = 0;
    for (;;) {
      const surplus = (await this.count()) - max;
      const ids =
        surplus > 0
          ? await this.#redis.zrangeBuffer(this.#times, 0, String(Math.min(surplus, AT_ONCE) - 1))
          : await this.#redis.zrangebyscoreBuffer(this.#times, '-inf', `(${oldest}`, 'LIMIT', 0, AT_ONCE);
      if (ids.length === 0) return removed;
      const found = await this.#read(ids.map(memberOf));
      const keys = found.flatMap(({ letter }) =>
        letter ? this.#indexes(letter) : [this.#times, this.#times],
      );
      const args = found.flatMap(({ id, text }) => [id, text ?? '']);
      const done = (await this.#trim(
        [this.#letters, this.#times, ...keys],
        [max, oldest, ...args],
      )) as number[];
      const gone = found.filter((_, at) => done[at] === 1);
      for (const { id, letter } of gone) if (letter === undefined) onCorrupt(String(id));
      // Other notifiers trim, too: the rest is theirs, or waits for the next time.
      if (gone.length === 0) return removed;
      removed += gone.length;
    }
  }

  count(): Promise<number> {
    return withKeys(this.#redis, [this.#times], () => this.#redis.zcard(this.#times));
  }

  /** The dead letters with these ids that exist, in the order of the ids. Corrupt ones are left out. */
  async byId(ids: readonly string[]): Promise<DeadLetter[]> {
    return (await this.#read(ids)).flatMap(({ letter }) => letter ?? []);
  }

  async #read(ids: readonly Member[]): Promise<Found[]> {
    if (ids.length === 0) return [];
    const texts = await withKeys(this.#redis, [this.#letters], () =>
      this.#redis.hmget(this.#letters, ...ids),
    );
    return ids.map((id, at) => {
      const text = texts[at] ?? undefined;
      const letter = text === undefined || !isText(id) ? undefined : readLetter(id, text);
      if (letter !== undefined && text !== undefined) this.#texts.set(letter, text);
      return { id, text, letter };
    });
  }

  /** Matching dead letters, newest first. */
  async list(filter: DeadLetterFilter, limit: number): Promise<DeadLetter[]> {
    if (filter.call !== undefined)
      return (await this.ofCall(filter.call, filter)).toReversed().slice(0, limit);
    const [key, from, to] = this.#byTime(filter);
    const found: DeadLetter[] = [];
    // Another page when some of the first are corrupt.
    for (let offset = 0; found.length < limit; offset += limit) {
      const ids = await withKeys(this.#redis, [key], () =>
        this.#redis.zrevrangebyscore(key, to, from, 'LIMIT', offset, limit),
      );
      found.push(...(await this.byId(ids)));
      if (ids.length < limit) break;
    }
    return found.slice(0, limit);
  }

  /** Dead letters of a call, in the order of its events. */
  async ofCall(call: string, filter: DeadLetterFilter = {}): Promise<DeadLetter[]> {
    const key = deadOfCallKey(this.#prefix, call);
    const ids = await withKeys(this.#redis, [key], () => this.#redis.zrange(key, 0, '-1'));
    const letters = await this.byId(ids);
    return letters
      .filter((letter) => matches(letter, filter))
      .sort((one, other) => one.at - other.at || one.order - other.order);
  }

  /** Calls with matching dead letters, ordered by their oldest one. */
  async calls(filter: DeadLetterFilter): Promise<string[]> {
    if (filter.call !== undefined) return [filter.call];
    const [key, from, to] = this.#byTime(filter);
    const ids = await withKeys(this.#redis, [key], () => this.#redis.zrangebyscore(key, from, to));
    const calls = new Set<string>();
    for (const some of chunks(ids, AT_ONCE)) for (const { call } of await this.byId(some)) calls.add(call);
    return [...calls];
  }

  /** Removes dead letters unless they were replaced since they were read. @returns the number removed. */
  async remove(letters: readonly DeadLetter[]): Promise<number> {
    if (letters.length === 0) return 0;
    const keys = letters.flatMap((letter) => this.#indexes(letter));
    const args = letters.flatMap((letter) => [letter.id, this.#texts.get(letter) ?? JSON.stringify(letter)]);
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
