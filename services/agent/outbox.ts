import { setTimeout as sleep } from 'node:timers/promises';

export interface OutboxOptions<Item> {
  /** The call an item belongs to; items of one call go out one after the other. */
  readonly callOf: (item: Item) => string;
  /** Items that may use the reserve when the outbox is full. */
  readonly urgent: (item: Item) => boolean;
  readonly publish: (item: Item) => Promise<void>;
  readonly limit: number;
  readonly onDropped: (item: Item, droppedSoFar: number) => void;
  readonly onFailed: (error: Error, held: number) => void;
}

const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 5_000;
const URGENT_RESERVE = 1.25;

/**
 * Holds what is to be published until the bus has taken it: in order within a call, at once across calls, for as long
 * as it takes. Bounded: at the limit new items are dropped and counted; urgent ones have a reserve of a quarter.
 */
export class Outbox<Item> {
  readonly #options: OutboxOptions<Item>;
  readonly #byCall = new Map<string, Item[]>();
  readonly #workers = new Map<string, Promise<void>>();
  readonly #ended = new AbortController();
  #held = 0;
  #dropped = 0;

  constructor(options: OutboxOptions<Item>) {
    this.#options = options;
  }

  get held(): number {
    return this.#held;
  }

  get dropped(): number {
    return this.#dropped;
  }

  add(item: Item): void {
    const { callOf, urgent, limit, onDropped } = this.#options;
    if (this.#held >= (urgent(item) ? limit * URGENT_RESERVE : limit)) {
      this.#dropped++;
      onDropped(item, this.#dropped);
      return;
    }
    this.#held++;
    const call = callOf(item);
    const queue = this.#byCall.get(call);
    if (queue) {
      queue.push(item);
      return;
    }
    const fresh = [item];
    this.#byCall.set(call, fresh);
    const worker = this.#work(call, fresh).finally(() => {
      if (this.#workers.get(call) === worker) this.#workers.delete(call);
    });
    this.#workers.set(call, worker);
  }

  /** Whether something of this call is held. */
  holds(call: string): boolean {
    return this.#byCall.has(call);
  }

  /** Resolves when nothing of this call is held any more. */
  async settled(call: string): Promise<void> {
    await this.#workers.get(call);
  }

  /** Resolves when all that is held has been published, or `cancel` fires: what is left then is lost. */
  async drain(cancel: AbortSignal): Promise<void> {
    if (cancel.aborted) this.#ended.abort();
    cancel.addEventListener('abort', () => this.#ended.abort(), { once: true });
    while (this.#workers.size > 0) await Promise.all(this.#workers.values());
  }

  async #work(call: string, queue: Item[]): Promise<void> {
    for (let item = queue[0]; item !== undefined; item = queue[0]) {
      const published = await this.#publishUntilTaken(item);
      if (!published) break;
      queue.shift();
      this.#held--;
    }
    this.#byCall.delete(call);
  }

  async #publishUntilTaken(item: Item): Promise<boolean> {
    for (let attempt = 0; ; attempt++) {
      try {
        await this.#options.publish(item);
        return true;
      } catch (error) {
        if (attempt === 0) this.#options.onFailed(error as Error, this.#held);
        const wait = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** attempt);
        await sleep(wait, undefined, { signal: this.#ended.signal }).catch(() => {});
        if (this.#ended.signal.aborted) return false;
      }
    }
  }
}
