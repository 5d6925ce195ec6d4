import type { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import type { EntryKind } from '#libs/telemetry/attributes.ts';
import type { Log } from '#libs/telemetry/log.ts';
import { count } from '#libs/telemetry/metrics.ts';
import { failureKind } from './failure-kind.ts';

/** /readyz shows an entry for this long after it was set aside, ms. */
const SHOWN_MS = 600_000;
/** Log lines for each kind and minute at most. The metric counts all entries. */
const LINES_PER_MINUTE = 20;
const MINUTE_MS = 60_000;

/** Whether an error blames the entry: it is permanent, or a bug that the entry meets. */
export const isEntryFault = (error: unknown): boolean =>
  error instanceof TypeError || error instanceof ReferenceError || failureKind(error) === 'permanent';

/** An entry fault that blames no key of Redis, which other entries may share. */
export const isOwnFault = (error: unknown): boolean =>
  isEntryFault(error) && (error as Error).name !== 'ReplyError';

interface Tally {
  /** Since the start of the process. */
  total: number;
  /** Times of those that /readyz shows, oldest first; at most `MAX_TIMES`. */
  readonly times: number[];
  error: string;
  minute: number;
  lines: number;
}
const MAX_TIMES = 1_000;

/**
 * The poison entries of a service: entries that cannot be processed and would stop the others if they were retried.
 * Each is counted and logged with its identity, and shown by /readyz for ten minutes, which stays 200: another instance
 * would meet the same entry. Every loop over entries uses this.
 */
export class SetAside {
  readonly #log: Log;
  readonly #now: () => number;
  readonly #tallies = new Map<EntryKind, Tally>();

  /** @param now ms, monotonic. */
  constructor(log: Log, now: () => number = () => performance.now()) {
    this.#log = log;
    this.#now = now;
  }

  /** Registers the check `entries`, which never decides readiness. */
  static open(lifecycle: Lifecycle, log: Log): SetAside {
    const aside = new SetAside(log);
    lifecycle.check(
      'entries',
      () => aside.problem(),
      () => false,
    );
    return aside;
  }

  /** Counts and logs an entry that is not processed further. `identity` is logged: uuids and ids, no contents. */
  add(kind: EntryKind, error: unknown, identity: object): void {
    const now = this.#now();
    const known = this.#tallies.get(kind);
    const tally = known ?? { total: 0, times: [], error: '', minute: now, lines: 0 };
    if (known === undefined) this.#tallies.set(kind, tally);
    tally.total++;
    tally.times.push(now);
    if (tally.times.length > MAX_TIMES) tally.times.shift();
    tally.error = error instanceof Error ? error.message : String(error);
    count('dialhook.entries.set_aside', { 'dialhook.entry': kind });
    if (now - tally.minute >= MINUTE_MS) {
      tally.minute = now;
      tally.lines = 0;
    }
    if (++tally.lines > LINES_PER_MINUTE) return;
    this.#log.error('entry.set_aside', { entry: kind, ...identity, err: error, set_aside: tally.total });
  }

  /** Runs `work` for one entry. An error sets the entry aside and gives undefined. */
  run<T>(kind: EntryKind, identity: () => object, work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.add(kind, error, identity());
      return undefined;
    }
  }

  /**
   * Runs `work` for one entry. A permanent error (`failureKind`) or a bug sets the entry aside and gives undefined.
   * @throws every other error.
   */
  async runAsync<T>(kind: EntryKind, identity: () => object, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!isEntryFault(error)) throw error;
      this.add(kind, error, identity());
      return undefined;
    }
  }

  /** The text for /readyz; undefined when nothing was set aside lately. */
  problem(): string | undefined {
    const since = this.#now() - SHOWN_MS;
    const texts: string[] = [];
    for (const [kind, { times, error }] of this.#tallies) {
      while (times[0] !== undefined && times[0] < since) times.shift();
      if (times.length > 0)
        texts.push(`${times.length} of kind ${kind} set aside in the last 10 min: ${error}`);
    }
    return texts.length === 0 ? undefined : texts.join('; ');
  }
}
