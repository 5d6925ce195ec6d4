import type { Redis } from 'ioredis';
import { originOf } from '#libs/net/url.ts';
import { APPEND, HEAD, INSERT, RELEASE, SETTLE } from './backlog-scripts.ts';
import { endpointKey } from './endpoints.ts';
import { type Entry, writeEntry } from './entry.ts';
import { defineScript, type Script } from './redis.ts';

/** What shows that a call's notifications are delivered here and nowhere else: BullMQ's lock of a job, or a hold. */
export interface CallLock {
  readonly key: string;
  readonly token: string;
  /** Of a hold, how long it lasts without an entry being settled, in milliseconds; it ends with the last entry. */
  readonly holdMs?: number;
}

/** An entry to be added, and the token under which its call is to be held if nobody delivers for that yet. */
export interface Addition {
  readonly entry: Entry;
  /** The entry as written. */
  readonly text: string;
  readonly token: string | undefined;
}

/**
 * What became of an entry. A `late` one was left out, as its call has gone on without it. `mine`: it is the only one of
 * its call, nothing is known against its endpoint, and the call is held under the token that came with it. `held`: the
 * call is held under another. A job has to be woken for a `new` one, and for a `repeat`, which may still wait.
 */
export type Placed = 'mine' | 'held' | 'new' | 'repeat' | 'late';

export interface BacklogTimes {
  /** How long ids are remembered after their call's last, in milliseconds. */
  readonly dedupMs: number;
  readonly holdMs: number;
}

/** An entry that is done with, and who wants to know the next. */
interface Settling {
  readonly call: string;
  readonly entry: string;
  readonly lock: CallLock;
  readonly resolve: (next: string | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The notifications that wait, a list for each call, and the ids of those that ever did. They are delivered by whoever
 * holds the call, or by the call's job.
 *
 *     PREFIX:waiting:CALL   list of entries, the oldest first
 *     PREFIX:seen:CALL      hash of when each happened by LEG.ACTION, for `dedupMs` after the last one
 *     PREFIX:held:CALL      the token of the one who delivers without a job, for `holdMs`
 */
export class Backlog {
  readonly #prefix: string;
  readonly #append: Script;
  readonly #insert: Script;
  readonly #head: Script;
  readonly #settle: Script;
  readonly #release: Script;
  readonly #settling: Settling[] = [];

  constructor(redis: Redis, prefix: string) {
    this.#prefix = prefix;
    this.#append = defineScript(redis, 'dialhookAppend', APPEND);
    this.#insert = defineScript(redis, 'dialhookInsert', INSERT);
    this.#head = defineScript(redis, 'dialhookHead', HEAD);
    this.#settle = defineScript(redis, 'dialhookSettle', SETTLE);
    this.#release = defineScript(redis, 'dialhookRelease', RELEASE);
  }

  /**
   * Adds entries, all or none, each before those of its call that happened later and still wait, and says what became
   * of each. Two agents of a node that have seen different things bring them in any order: what comes when the call's
   * hangup has been sent is late, and so is a ring or progress when anything later has. The head counts as sent, as it
   * may be on its way.
   * @throws when `lease` is not held by `holder`: only one notifier at a time may add, or order would be lost.
   */
  async append(
    lease: { readonly key: string; readonly holder: string },
    additions: readonly Addition[],
    { dedupMs, holdMs }: BacklogTimes,
  ): Promise<Placed[]> {
    const keys = [lease.key];
    const args: (string | number)[] = [lease.holder, dedupMs, holdMs];
    for (const { entry, text, token = '' } of additions) {
      const { url, notification } = entry.progress;
      const { uuid, leg, action } = notification;
      const endpoint = endpointKey(this.#prefix, originOf(url));
      keys.push(this.#waiting(uuid), `${this.#prefix}:seen:${uuid}`, this.holdKey(uuid), endpoint);
      const optional = action === 'ring' || action === 'progress';
      args.push(`${leg}.${action}`, entry.at, optional ? 1 : 0, token, text);
    }
    return (await this.#append(keys, args)) as Placed[];
  }

  /** Adds entries of one call, seen before or not, each at its place among those that wait. */
  async insert(call: string, entries: readonly Entry[]): Promise<void> {
    await this.#insert([this.#waiting(call)], entries.map(writeEntry));
  }

  /** Where the token of whoever holds the call is. */
  holdKey(call: string): string {
    return `${this.#prefix}:held:${call}`;
  }

  /** The call's oldest entry, as written, or undefined; or for how long at most somebody holds the call, milliseconds. */
  async head(call: string): Promise<{ readonly heldMs: number; readonly text?: string | undefined }> {
    const [heldMs, text] = (await this.#head([this.#waiting(call), this.holdKey(call)], [])) as [
      number,
      string | null | undefined,
    ];
    return { heldMs, text: text ?? undefined };
  }

  /**
   * Takes away an entry that is done with and gives the next.
   * @throws when the lock is lost: another delivers for this call now and this one must not go on.
   */
  settle(call: string, entry: string, lock: CallLock): Promise<string | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<string | undefined>();
    // Those of one turn of the event loop together: many calls are delivered at once.
    if (this.#settling.push({ call, entry, lock, resolve, reject }) === 1)
      setImmediate(() => this.#settleAll(this.#settling.splice(0)));
    return promise;
  }

  #settleAll(all: readonly Settling[]): void {
    const keys = all.flatMap(({ call, lock }) => [this.#waiting(call), lock.key]);
    const args = all.flatMap(({ entry, lock }) => [lock.token, entry, lock.holdMs ?? '']);
    this.#settle(keys, args).then(
      (settled) => {
        for (const [index, [locked, next]] of (settled as [number, string | null][]).entries())
          if (locked === 1) all[index]?.resolve(next ?? undefined);
          else all[index]?.reject(new Error('LOCKLOST another delivers for this call'));
      },
      (error: unknown) => {
        for (const { reject } of all) reject(error);
      },
    );
  }

  /** Ends a hold: from now on a job delivers. */
  async release({ key, token }: CallLock): Promise<void> {
    await this.#release([key], [token]);
  }

  #waiting(call: string): string {
    return `${this.#prefix}:waiting:${call}`;
  }
}
