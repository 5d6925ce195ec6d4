import { BUCKET_MS, OVERVIEW_MS } from '#libs/contract/overview.ts';
import type { CallRecord } from '../call-record.ts';
import { contributionOf } from './contribution.ts';
import { addEntry, type Contribution, read, type Tally } from './tally.ts';

/** Buckets kept: a day, and the one that is not complete. */
const KEPT = OVERVIEW_MS / BUCKET_MS + 1;
/**
 * A call that starts later than this many buckets from now is not counted, and one that ends later is counted as ended
 * then: the clock of its node is wrong.
 */
const AHEAD = 60;
/** With more buckets some are older than a day: `trim` runs. */
const MAX_BUCKETS = KEPT + AHEAD + 1;

/**
 * Statistics of the calls that started in the last day, in buckets of ten seconds. A call that changes is counted again:
 * its new contribution replaces the one before, so that the order of steps does not matter. A call that is no longer in
 * memory keeps its contribution.
 */
export class Statistics {
  readonly #buckets = new Map<number, Tally>();
  /** Calls that started before the oldest bucket, minus those that ended before it. */
  #liveBefore = 0;
  #oldestStep: string | undefined;
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Calls that started earlier are not counted: not read, or too old. Undefined before the first step. */
  get keptSince(): string | undefined {
    if (this.#oldestStep === undefined) return undefined;
    const oldest = Math.max(Date.parse(this.#oldestStep), this.#oldest() * BUCKET_MS);
    return new Date(oldest).toISOString();
  }

  clear(): void {
    this.#buckets.clear();
    this.#liveBefore = 0;
    this.#oldestStep = undefined;
  }

  /** Counts a call in its present state, instead of the state in which it was counted before. */
  count(record: CallRecord): void {
    const { started } = record.summary;
    if (record.counted !== undefined) this.#apply(record.counted, -1);
    record.counted = undefined;
    if (this.#oldestStep === undefined || started < this.#oldestStep) this.#oldestStep = started;
    const contribution = contributionOf(record);
    const newest = this.#oldest() + KEPT + AHEAD;
    if (contribution === undefined || contribution.start > newest) return;
    const { start, end } = contribution;
    record.counted = {
      ...contribution,
      end: end === undefined ? undefined : Math.min(Math.max(start, end), newest),
    };
    this.#apply(record.counted, 1);
  }

  /** Counts a live call that is dropped from memory as ended with its last step. */
  drop(record: CallRecord): void {
    record.ended = record.summary.updated;
    this.count(record);
  }

  /** The tallies of the buckets from `first` to before `end`, in order; undefined for an empty one. */
  buckets(first: number, end: number): (Tally | undefined)[] {
    return Array.from({ length: Math.max(0, end - first) }, (_, n) => this.#buckets.get(first + n));
  }

  /** Calls that were live at the beginning of a bucket. */
  liveAt(bucket: number): number {
    let live = this.#liveBefore;
    for (const [number, tally] of this.#buckets) if (number < bucket) live += change(tally);
    return live;
  }

  /** Buckets in memory. */
  get size(): number {
    return this.#buckets.size;
  }

  /** Drops buckets older than a day. */
  trim(): void {
    const oldest = this.#oldest();
    for (const [number, tally] of this.#buckets) {
      if (number >= oldest) continue;
      this.#liveBefore += change(tally);
      this.#buckets.delete(number);
    }
  }

  #oldest(): number {
    return Math.floor(this.#now() / BUCKET_MS) - KEPT + 1;
  }

  #apply({ start, end, entries }: Contribution, sign: 1 | -1): void {
    const started = this.#bucket(start);
    if (started === undefined) this.#liveBefore += sign;
    else {
      addEntry(started, ['live', 'started', sign]);
      for (const [dimension, key, n] of entries) addEntry(started, [dimension, key, n * sign]);
    }
    if (end === undefined) return;
    const ended = this.#bucket(end);
    if (ended === undefined) this.#liveBefore -= sign;
    else addEntry(ended, ['live', 'ended', sign]);
  }

  /** @returns undefined for a bucket that is too old. */
  #bucket(number: number): Tally | undefined {
    const known = this.#buckets.get(number);
    if (known !== undefined || number < this.#oldest()) return known;
    const tally: Tally = new Map();
    this.#buckets.set(number, tally);
    if (this.#buckets.size > MAX_BUCKETS) this.trim();
    return tally;
  }
}

const change = (tally: Tally): number => read(tally, 'live', 'started') - read(tally, 'live', 'ended');
