import { type Backoff, backoffMs } from '#libs/backoff/backoff.ts';
import { endAttempt, type KeyState, newKey } from './key-state.ts';
import { type OutageListeners, OutageTracker } from './outage.ts';

/** Interval of probes; doubled after a probe without an accepted item. */
const PROBE: Backoff = { firstMs: 250, maxMs: 1_000 };
/** Keys retried by one probe. */
const PROBED_KEYS = 16;
const URGENT_RESERVE = 1.25;

export interface RetryBufferOptions<Item> extends OutageListeners {
  /** Items of one key are sent in order, one at a time. Keys do not wait for each other. */
  readonly keyOf: (item: Item) => string;
  /** Resolves when the server has accepted the item. A rejection is retried, before later items of the key. */
  readonly send: (item: Item) => Promise<void>;
  /** Items at most, those in flight included. Further ones are dropped and counted. */
  readonly limit: number;
  /** An urgent item is dropped only when the buffer holds a quarter more than `limit`. Default: no item is. */
  readonly isUrgent?: (item: Item) => boolean;
  /** If set, each key has at most one waiting item: a newer one is merged into it, regardless of `limit`. */
  readonly merge?: (waiting: Item, newer: Item) => Item;
  /** Sends at once. Default: one for each key. */
  readonly maxInFlight?: number;
  readonly onDropped: (item: Item, dropped: number) => void;
  /** Called for an item that cannot be sent (see `Refusals`). It is removed, and the next item of its key follows. */
  readonly onSetAside: (item: Item, error: Error) => void;
  /** Called after each failed send that is retried. */
  readonly onFailed?: (error: Error) => void;
  /** Whether an error is part of normal operation: it is retried and is no outage. Default: no error is. */
  readonly isExpected?: (error: Error) => boolean;
}

/**
 * Buffers items in memory until a server has accepted them. For each key:
 *
 *     ready -> in flight -> accepted: the next item is ready, or the key is gone
 *       ^          |
 *       |          v
 *       +------- failed ---> set aside: the next item is ready, or the key is gone
 *
 * Failed keys become ready when an item of any key is accepted, at the earliest 250 ms after their failure. Until then
 * a probe makes the 16 that failed first ready, after 250 ms to 1 s. So the load of an outage does not grow with the
 * number of buffered items, and all are sent as soon as it ends.
 *
 * A crash in any state loses the items: store items that must survive in JetStream or Redis instead.
 */
export class RetryBuffer<Item> {
  readonly #options: RetryBufferOptions<Item>;
  readonly #keys = new Map<string, KeyState<Item>>();
  /** Ready keys that wait for `maxInFlight`. */
  readonly #ready = new Set<string>();
  readonly #closed = Promise.withResolvers<void>();
  #isClosed = false;
  #idle = Promise.withResolvers<void>();
  #inFlight = 0;
  #size = 0;
  #dropped = 0;
  /** Items accepted so far. */
  #accepted = 0;
  /** Keys in the state `failed`, the one that failed first at the front. */
  readonly #failed = new Set<string>();
  readonly #outage: OutageTracker;
  #probe: NodeJS.Timeout | undefined;
  #probes = 0;

  constructor(options: RetryBufferOptions<Item>) {
    this.#options = options;
    this.#outage = new OutageTracker(options);
  }

  /** Items in the buffer, those in flight included. */
  get size(): number {
    return this.#size;
  }

  get dropped(): number {
    return this.#dropped;
  }

  /** The last error of an outage; undefined when there is none. */
  get trouble(): string | undefined {
    return this.#outage.error?.message;
  }

  /** Whether an item of this key is buffered. */
  has(key: string): boolean {
    return this.#keys.has(key);
  }

  /** The item that the next `add` of this key would be merged into. */
  waiting(key: string): Item | undefined {
    const state = this.#keys.get(key);
    return state?.items[state.inFlight ? 1 : 0];
  }

  /** Queues an item. Ignored after `drain`. */
  add(item: Item): void {
    if (this.#isClosed) return;
    const { keyOf, isUrgent, merge, limit, onDropped } = this.#options;
    const key = keyOf(item);
    const state = this.#keys.get(key);
    const index = state?.inFlight ? 1 : 0;
    const waiting = state?.items[index];
    if (merge && state && waiting !== undefined) {
      state.items[index] = merge(waiting, item);
      return;
    }
    if (this.#size >= (isUrgent?.(item) ? limit * URGENT_RESERVE : limit)) {
      onDropped(item, ++this.#dropped);
      return;
    }
    this.#size++;
    if (state) {
      state.items.push(item);
      return;
    }
    this.#keys.set(key, newKey(item));
    this.#start(key);
  }

  /** Removes the items of a key unless one is in flight. Returns whether it did. */
  discard(key: string): boolean {
    const state = this.#keys.get(key);
    if (!state || state.inFlight) return false;
    this.#remove(key, state);
    return true;
  }

  /** Retries all failed items at once, for example after a reconnect. */
  retry(): void {
    this.#startFailed(0);
  }

  /**
   * Resolves when the send of this key that is in flight, or waits for `maxInFlight`, has ended, accepted or not; at once
   * when there is none. In an outage it does not wait for `maxInFlight`.
   */
  async attempted(key: string): Promise<void> {
    await this.#keys.get(key)?.attempt?.promise;
  }

  /** Resolves when no item of this key is buffered. */
  async settled(key: string): Promise<void> {
    await this.#keys.get(key)?.settled.promise;
  }

  /**
   * Resolves when the buffer is empty or `cancel` fires, and closes it. Items still buffered then are lost, without
   * `onRestored`.
   */
  async drain(cancel: AbortSignal): Promise<void> {
    const close = () => this.#closed.resolve();
    if (cancel.aborted) close();
    cancel.addEventListener('abort', close, { once: true });
    if (this.#size > 0) await Promise.race([this.#idle.promise, this.#closed.promise]);
    cancel.removeEventListener('abort', close);
    this.#isClosed = true;
    clearTimeout(this.#probe);
    for (const [key, state] of this.#keys) this.#remove(key, state);
  }

  #start(key: string): void {
    const { maxInFlight = Number.POSITIVE_INFINITY } = this.#options;
    const state = this.#keys.get(key);
    if (!state) return;
    this.#failed.delete(key);
    if (this.#inFlight >= maxInFlight) {
      this.#ready.add(key);
      if (this.#outage.error === undefined) state.attempt ??= Promise.withResolvers();
      return;
    }
    this.#inFlight++;
    state.attempt ??= Promise.withResolvers();
    state.inFlight = this.#send(key, state).finally(() => {
      this.#inFlight--;
      const [next] = this.#ready;
      if (next === undefined) return;
      this.#ready.delete(next);
      this.#start(next);
    });
  }

  async #send(key: string, state: KeyState<Item>): Promise<void> {
    const { send } = this.#options;
    let error: unknown;
    try {
      await send(state.items[0] as Item);
    } catch (thrown) {
      error = thrown ?? new Error('not accepted');
    }
    state.inFlight = undefined;
    endAttempt(state);
    if (this.#keys.get(key) !== state) return;
    if (error === undefined) this.#onAccepted(key, state);
    else if (this.#isAtFault(state, error as Error)) this.#setAside(key, state, error as Error);
    else this.#onFailed(key, state, error as Error);
  }

  #isAtFault({ refusals }: KeyState<Item>, error: Error): boolean {
    if (this.#options.isExpected?.(error)) return false;
    return refusals.add(error, this.#accepted, performance.now());
  }

  #onAccepted(key: string, state: KeyState<Item>): void {
    this.#accepted++;
    this.#next(key, state);
    this.#probes = 0;
    this.#startFailed(PROBE.firstMs);
  }

  #setAside(key: string, state: KeyState<Item>, error: Error): void {
    const [item] = state.items;
    this.#next(key, state);
    if (item !== undefined) this.#options.onSetAside(item, error);
  }

  /** Removes the first item of a key. */
  #next(key: string, state: KeyState<Item>): void {
    state.items.shift();
    state.refusals.reset();
    this.#size--;
    this.#outage.accepted(key);
    if (state.items.length > 0) this.#start(key);
    else this.#remove(key, state);
  }

  #onFailed(key: string, state: KeyState<Item>, error: Error): void {
    const { isExpected, onFailed } = this.#options;
    this.#mergeWaiting(state);
    state.failedAt = performance.now();
    this.#failed.add(key);
    onFailed?.(error);
    if (!isExpected?.(error)) {
      this.#outage.failed(key, error);
      for (const ready of this.#ready) endAttempt(this.#keys.get(ready));
    }
    this.#scheduleProbe();
  }

  #scheduleProbe(): void {
    if (this.#isClosed || this.#failed.size === 0) return;
    this.#probe ??= setTimeout(
      () => {
        this.#probe = undefined;
        for (const key of [...this.#failed].slice(0, PROBED_KEYS)) this.#start(key);
        this.#scheduleProbe();
      },
      backoffMs(PROBE, ++this.#probes),
    );
  }

  /** Starts the keys whose failure is at least `minimumMs` ago. */
  #startFailed(minimumMs: number): void {
    const before = performance.now() - minimumMs;
    for (const key of this.#failed) {
      if ((this.#keys.get(key)?.failedAt ?? 0) > before) return;
      this.#start(key);
    }
  }

  /** After a failed send a newer item replaces the failed one. */
  #mergeWaiting(state: KeyState<Item>): void {
    const { merge } = this.#options;
    const [failed, newer] = state.items;
    if (!merge || failed === undefined || newer === undefined) return;
    state.items.splice(0, 2, merge(failed, newer));
    this.#size--;
  }

  #remove(key: string, state: KeyState<Item>): void {
    this.#ready.delete(key);
    this.#keys.delete(key);
    this.#outage.removed(key);
    this.#failed.delete(key);
    this.#size -= state.items.length;
    endAttempt(state);
    state.settled.resolve();
    if (this.#size > 0) return;
    this.#idle.resolve();
    this.#idle = Promise.withResolvers();
  }
}
