import { isNotPermitted } from '#libs/bus/streams.ts';
import { chunks } from '#libs/chunks/chunks.ts';
import { LruMap } from '#libs/lru/lru-map.ts';
import type { Log } from '#libs/telemetry/log.ts';

/** How long the message of a freed place is kept, so that every agent reads it, ms. */
const KEPT_MS = 30_000;
/** Messages deleted at once. */
const CHUNK_SIZE = 100;
/** Messages in memory, at most. Those beyond are found again when the stream is reread. */
const MAX_FREED = 1_000_000;

export interface FreedMessagesOptions {
  /** Deletes a message by its sequence number. Resolves also when it was already deleted. */
  readonly remove: (seq: number) => Promise<void>;
  readonly log: Log;
  /** Monotonic clock, ms. Default: that of `performance`. */
  readonly now?: () => number;
}

/** Deletes the messages of places that were freed a while ago, so that they do not fill the stream. */
export class FreedMessages {
  readonly #options: FreedMessagesOptions;
  readonly #now: () => number;
  /** When the message of a freed place was read, by sequence number. */
  readonly #freed = new LruMap<number, number>(MAX_FREED);
  /** The error logged last, until all messages of a run are deleted. */
  #logged = '';

  constructor(options: FreedMessagesOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Messages that are to be deleted. */
  get size(): number {
    return this.#freed.size;
  }

  /** Call for each message of a place that was freed, also when it is read again. */
  add(seq: number): void {
    if (this.#freed.peek(seq) === undefined) this.#freed.set(seq, this.#now());
  }

  /**
   * Deletes the messages read at least 30 s ago. Those that JetStream did not delete are tried again by the next run; the
   * run ends early when it deleted none of a chunk. Without the permission they are forgotten until the stream is reread.
   */
  async deleteOld(isStopped: () => boolean = () => false): Promise<void> {
    const before = this.#now() - KEPT_MS;
    const old = [...this.#freed].filter(([, at]) => at <= before).map(([seq]) => seq);
    let failed = 0;
    for (const chunk of chunks(old, CHUNK_SIZE)) {
      if (isStopped()) return;
      const errors = await this.#delete(chunk);
      failed += errors.length;
      for (const err of errors) this.#report(err);
      if (errors.some(isNotPermitted)) this.#freed.clear();
      if (errors.length === chunk.length) return;
    }
    if (failed === 0 && old.length > 0) this.#logged = '';
  }

  async #delete(seqs: readonly number[]): Promise<Error[]> {
    const ended = await Promise.allSettled(
      seqs.map(async (seq) => {
        await this.#options.remove(seq);
        this.#freed.delete(seq);
      }),
    );
    return ended.flatMap((one) => (one.status === 'rejected' ? [one.reason as Error] : []));
  }

  #report(err: Error): void {
    if (err.message === this.#logged) return;
    this.#logged = err.message;
    this.#options.log.warn('limit.cleanup_failed', { err, messages: this.#freed.size });
  }
}
