import { setTimeout as pause } from 'node:timers/promises';
import type { Queue } from 'bullmq';
import { originOf } from '#libs/net/url.ts';
import type { Addition, Backlog, BacklogTimes, CallLock, Placed } from '#libs/queue/backlog.ts';
import { type Entry, writeEntry } from '#libs/queue/entry.ts';
import { wakeCallLater, wakeCalls } from '#libs/queue/queue.ts';
import type { Log } from '#libs/telemetry/log.ts';
import type { Drain, Oldest } from './drain.ts';
import type { Admitted } from './endpoint-gate.ts';
import type { ReaderLease } from './reader-lease.ts';
import type { Slots } from './slots.ts';

/** So many notifications are taken at once at the least, and at the most. */
const FEWEST = 16;
const MOST = 256;
/** How long what is on its way is waited for, in all and while nothing moves, before what follows is left to jobs. */
const PATIENCE_MS = 100;
const STILL_MS = 20;
const FAULT_RETRY_MS = 1_000;
const HEALTHY: Admitted = { kind: 'send', healthy: true };

/** What became of a notification, and when the stream need not keep it any more; never, if it is to come again. */
export interface Receipt {
  readonly placed: Placed;
  readonly safe: Promise<void>;
}

export interface DirectParts {
  readonly backlog: Backlog;
  readonly times: BacklogTimes;
  readonly queue: Queue;
  readonly lease: ReaderLease;
  readonly drain: Drain;
  readonly slots: Slots;
  readonly log: Log;
}

/** Notifications that the stream still keeps, by id, and how to say that it need not. */
type Kept = Map<string, () => void>;

/** A call that is held here. */
interface Hold {
  readonly lock: CallLock;
  readonly kept: Kept;
  readonly over: Promise<void>;
}

const keep = (kept: Kept, id: string): Promise<void> => new Promise((resolve) => kept.set(id, resolve));

/**
 * Stores what comes from the stream, and delivers it at once where nothing stands against that: no earlier notification
 * of the call waits, and its endpoint is healthy and has a slot here. Everything else is left to the calls' jobs, as is
 * what could not be delivered. The stream keeps a notification until it has been delivered or its job has been woken:
 * should this process die, it comes again, is found to be a repeat, and a job is woken for it.
 */
export class Direct {
  readonly #parts: DirectParts;
  readonly #holds = new Map<string, Hold>();
  #tokens = 0;
  #someOver = Promise.withResolvers<void>();

  constructor(parts: DirectParts) {
    this.#parts = parts;
  }

  /** How many notifications to take next, after waiting a moment for those on their way. */
  async room(): Promise<number> {
    const { slots } = this.#parts;
    const late = performance.now() + PATIENCE_MS;
    while (slots.crowded && this.#holds.size > 0)
      if (!(await this.#moves()) || performance.now() > late) return MOST;
    return Math.max(FEWEST, slots.room);
  }

  /** @throws when they could not be stored, or their jobs not be woken. */
  async store(entries: readonly Entry[]): Promise<Receipt[]> {
    const { backlog, lease, times, queue } = this.#parts;
    const additions = entries.map((entry) => this.#addition(entry));
    const placed = await backlog.append(lease, additions, times).catch((error: unknown) => {
      for (const addition of additions) this.#giveBack(addition);
      throw error;
    });
    const woken = Promise.withResolvers<void>();
    const wake = new Set<string>();
    const receipts = additions.map((addition, index): Receipt => {
      const was = placed[index] ?? 'new';
      const call = addition.entry.progress.notification.uuid;
      if (was === 'mine') return { placed: was, safe: this.#begin(call, addition) };
      this.#giveBack(addition);
      const hold = was === 'held' ? this.#holds.get(call) : undefined;
      if (hold) return { placed: was, safe: keep(hold.kept, addition.entry.id) };
      if (was !== 'late') wake.add(call);
      return { placed: was, safe: woken.promise };
    });
    // Not before they are stored: ioredis sends a script that Redis does not know a second time, behind what came later.
    if (wake.size > 0) await wakeCalls(queue, wake);
    woken.resolve();
    return receipts;
  }

  async #moves(): Promise<boolean> {
    const moved = new AbortController();
    const still = pause(STILL_MS, false, { signal: moved.signal }).catch(() => true);
    const moves = await Promise.race([still, this.#someOver.promise.then(() => true)]);
    moved.abort();
    return moves;
  }

  /** Resolves when nothing is on its way. */
  async settled(): Promise<void> {
    while (this.#holds.size > 0) await Promise.all([...this.#holds.values()].map(({ over }) => over));
  }

  /** With a token when there is a slot for it, which is taken. */
  #addition(entry: Entry): Addition {
    const { slots, lease } = this.#parts;
    const taken = slots.take(originOf(entry.progress.url));
    return { entry, text: writeEntry(entry), token: taken ? `${lease.holder}:${++this.#tokens}` : undefined };
  }

  #giveBack({ entry, token }: Addition): void {
    if (token !== undefined) this.#parts.slots.leave(originOf(entry.progress.url), undefined);
  }

  #begin(call: string, { entry, text, token = '' }: Addition): Promise<void> {
    const { backlog, times, log } = this.#parts;
    const lock = { key: backlog.holdKey(call), token, holdMs: times.holdMs };
    const kept: Kept = new Map();
    const safe = keep(kept, entry.id);
    const over = this.#deliver(call, lock, { entry, text, admitted: HEALTHY }, kept)
      .catch((err: unknown) => log.warn('notification.wake_failed', { err, call }))
      .finally(() => {
        if (this.#holds.get(call)?.lock === lock) this.#holds.delete(call);
        this.#someOver.resolve();
        this.#someOver = Promise.withResolvers();
      });
    this.#holds.set(call, { lock, kept, over });
    return safe;
  }

  async #deliver(call: string, lock: CallLock, oldest: Oldest, kept: Kept): Promise<void> {
    const { backlog, queue, drain, log } = this.#parts;
    const onSettled = (id: string) => {
      kept.get(id)?.();
      kept.delete(id);
    };
    const rest = await drain.run(call, lock, oldest, { onSettled }).catch((err: unknown) => {
      log.error('delivery.failed', { err, call });
      return { id: oldest.entry.id, attempts: 0, ms: FAULT_RETRY_MS };
    });
    if (rest === undefined) return;
    const { id, attempts, ms } = rest;
    await backlog.release(lock);
    await wakeCallLater(queue, { call, ...(attempts > 0 ? { head: { id, attempts } } : {}) }, ms);
    for (const safe of kept.values()) safe();
  }
}
