import { type Backoff, backoffMs } from '#libs/backoff/backoff.ts';

const BACKOFF: Backoff = { firstMs: 250, maxMs: 5_000 };
const URGENT_RESERVE = 1.25;

export interface RetryBufferOptions<Item> {
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
  /** Called after each failed send. `failures` counts those of this item in a row. */
  readonly onFailed: (error: Error, failures: number) => void;
}

interface KeyState<Item> {
  /** The first is the one in flight or to be retried. */
  readonly items: Item[];
  failures: number;
  inFlight: Promise<void> | undefined;
  retry: NodeJS.Timeout | undefined;
  readonly settled: PromiseWithResolvers<void>;
}

/**
 * Buffers items in memory until a server has accepted them. For each key:
 *
 *     ready -> in flight -> accepted: the next item is ready, or the key is gone
 *       ^          |
 *       |          v
 *       +------ backing off (250 ms, doubled up to 5 s)
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

  constructor(options: RetryBufferOptions<Item>) {
    this.#options = options;
  }

  /** Items in the buffer, those in flight included. */
  get size(): number {
    return this.#size;
  }

  get dropped(): number {
    return this.#dropped;
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
    this.#keys.set(key, {
      items: [item],
      failures: 0,
      inFlight: undefined,
      retry: undefined,
      settled: Promise.withResolvers(),
    });
    this.#start(key);
  }

  /** Removes the items of a key unless one is in flight. Returns whether it did. */
  discard(key: string): boolean {
    const state = this.#keys.get(key);
    if (!state || state.inFlight) return false;
    this.#remove(key, state);
    return true;
  }

  /** Resolves when the send in flight of this key has ended, accepted or not; at once when none is in flight. */
  async attempted(key: string): Promise<void> {
    await this.#keys.get(key)?.inFlight;
  }

  /** Resolves when no item of this key is buffered. */
  async settled(key: string): Promise<void> {
    await this.#keys.get(key)?.settled.promise;
  }

  /** Resolves when the buffer is empty or `cancel` fires, and closes it. Items still buffered then are lost. */
  async drain(cancel: AbortSignal): Promise<void> {
    const close = () => this.#closed.resolve();
    if (cancel.aborted) close();
    cancel.addEventListener('abort', close, { once: true });
    if (this.#size > 0) await Promise.race([this.#idle.promise, this.#closed.promise]);
    cancel.removeEventListener('abort', close);
    this.#isClosed = true;
    for (const [key, state] of this.#keys) this.#remove(key, state);
  }

  #start(key: string): void {
    const { maxInFlight = Number.POSITIVE_INFINITY } = this.#options;
    const state = this.#keys.get(key);
    if (!state) return;
    if (this.#inFlight >= maxInFlight) {
      this.#ready.add(key);
      return;
    }
    this.#inFlight++;
    state.inFlight = this.#send(key, state).finally(() => {
      this.#inFlight--;
      const [next] = this.#ready;
      if (next === undefined) return;
      this.#ready.delete(next);
      this.#start(next);
    });
  }

  async #send(key: string, state: KeyState<Item>): Promise<void> {
    const { send, onFailed } = this.#options;
    let error: unknown;
    try {
      await send(state.items[0] as Item);
    } catch (thrown) {
      error = thrown ?? new Error('not accepted');
    }
    state.inFlight = undefined;
    if (this.#keys.get(key) !== state) return;
    if (error !== undefined) {
      this.#mergeWaiting(state);
      onFailed(error as Error, ++state.failures);
      state.retry = setTimeout(() => this.#start(key), backoffMs(BACKOFF, state.failures));
      return;
    }
    state.failures = 0;
    state.items.shift();
    this.#size--;
    if (state.items.length > 0) this.#start(key);
    else this.#remove(key, state);
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
    clearTimeout(state.retry);
    this.#ready.delete(key);
    this.#keys.delete(key);
    this.#size -= state.items.length;
    state.settled.resolve();
    if (this.#size > 0) return;
    this.#idle.resolve();
    this.#idle = Promise.withResolvers();
  }
}
