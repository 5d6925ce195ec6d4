import type { Overview, OverviewQuery } from '#libs/contract/overview.ts';
import { LruMap } from '#libs/lru/lru-map.ts';
import type { CallRecord } from '../call-record.ts';
import { overviewOf } from './overview.ts';
import type { Statistics } from './statistics.ts';
import { type Window, windowOf } from './window.ts';

/** Windows whose overview is kept. */
const MAX_KEPT = 20;
/** An overview is used again for this time. That of a day takes some 65 ms of CPU. */
const AGE_MS = 1_000;

/** Overviews, shared by all pages that show the same window. */
export class Overviews {
  readonly #statistics: Statistics;
  readonly #records: () => readonly CallRecord[];
  readonly #now: () => number;
  readonly #kept = new LruMap<string, { readonly at: number; readonly overview: Overview }>(MAX_KEPT);

  constructor(statistics: Statistics, records: () => readonly CallRecord[], now: () => number = Date.now) {
    this.#statistics = statistics;
    this.#records = records;
    this.#now = now;
  }

  /** @throws {RangeError} for a window that is empty or too long. */
  of(query: OverviewQuery): Overview {
    const now = this.#now();
    const key = JSON.stringify(query);
    const kept = this.#kept.get(key);
    if (kept !== undefined && now - kept.at < AGE_MS) return kept.overview;
    const window: Window = windowOf(query, now);
    const overview = overviewOf(this.#statistics, this.#records(), window);
    this.#kept.set(key, { at: now, overview });
    return overview;
  }
}
