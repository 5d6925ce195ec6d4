import type { Backlog, CallLock } from '#libs/queue/backlog.ts';
import { type Entry, readEntry } from '#libs/queue/entry.ts';
import type { CallJob } from '#libs/queue/queue.ts';
import type { Again, Delivery } from './delivery.ts';
import type { Admitted } from './endpoint-gate.ts';

/** A call's oldest notification, as it was written. */
export interface Oldest {
  readonly text: string;
  readonly entry: Entry;
  readonly admitted?: Admitted;
}

export interface DrainOptions {
  /** How often the oldest was tried before. */
  readonly tried?: CallJob['head'];
  readonly onSettled?: (id: string) => void;
}

/** The notification that a call goes on with, and when. */
export interface Rest extends Again {
  readonly id: string;
}

/** Delivers a call's notifications one after the other. While one waits for its next attempt, so do those behind it. */
export class Drain {
  readonly #backlog: Backlog;
  readonly #delivery: Delivery;
  #stopping = false;

  constructor(backlog: Backlog, delivery: Delivery) {
    this.#backlog = backlog;
    this.#delivery = delivery;
  }

  /** From now on a call is left when the notification in hand is done with. */
  stop(): void {
    this.#stopping = true;
  }

  /** Undefined when nothing of the call waits any more. @throws when the lock is lost. */
  async run(
    call: string,
    lock: CallLock,
    oldest: Oldest,
    { tried, onSettled }: DrainOptions,
  ): Promise<Rest | undefined> {
    for (let next: Oldest | undefined = oldest; next !== undefined; ) {
      const { text, entry, admitted }: Oldest = next;
      const made = tried?.id === entry.id ? tried.attempts : 0;
      const leaves = this.#stopping && admitted === undefined;
      const again = leaves ? { ms: 0, attempts: made } : await this.#delivery.deliver(entry, made, admitted);
      if (again !== undefined) return { id: entry.id, ...again };
      const following = await this.#backlog.settle(call, text, lock);
      onSettled?.(entry.id);
      next = following === undefined ? undefined : { text: following, entry: readEntry(following) };
    }
    return undefined;
  }
}
