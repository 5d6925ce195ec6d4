import type { Action } from '#libs/contract/endpoint.ts';
import { partitionOf } from '#libs/contract/partition.ts';
import { callOf, entryStart, InvalidEntryError, type QueueEntry, readEntry, writeEntry } from './entry.ts';
import { callKeys, leaseKey, pendingKey } from './keys.ts';
import { isCluster, type RedisClient } from './redis.ts';
import { type Script, script } from './script.ts';

/** Whether a notification is still sent when later ones were sent before it, see append.lua. */
const LATENESS = {
  ring: 'optional',
  progress: 'optional',
  answer: 'final',
  hangup: 'final',
  leg_end: 'free',
  transfer: 'free',
  recording: 'free',
} as const satisfies Record<Action, string>;

/** The exclusive right to deliver a call's notifications. */
export interface Claim {
  readonly call: string;
  readonly token: string;
  /** Expiry unless renewed, in ms of `performance.now()`. Never later than the expiry in Redis. */
  expiresAt: number;
}

/** An entry as stored; `text` identifies it in the list. */
export interface StoredEntry {
  readonly entry: QueueEntry;
  readonly text: string;
}

/** An element of a waiting list: `entry` is undefined when the text is corrupt. */
export interface WaitingEntry {
  readonly entry: QueueEntry | undefined;
  readonly text: string;
}

/** An entry to append. `token` claims the call if it is idle; empty: no claim. */
export interface Addition extends StoredEntry {
  readonly token: string;
}

/**
 * Result of appending an entry.
 *
 * - `claimed`: the call was idle and is now claimed with the token.
 * - `behind`: the call is claimed. The process that has the claim delivers the entry, or else the retry job.
 * - `waiting`: the entry waits; the retry job of the call must be woken.
 * - `repeat`: a duplicate that still waits. The process that has the claim delivers the entry, or else the retry job,
 *   which must be woken.
 * - `done`: a duplicate that was delivered, dropped as late, or is a dead letter.
 * - `late`: dropped, because a later notification of the call was already sent.
 */
export type Placement = 'claimed' | 'behind' | 'waiting' | 'repeat' | 'done' | 'late';

export type Claiming =
  | { readonly kind: 'claimed'; readonly claim: Claim; readonly first: WaitingEntry }
  /** The waiting list is empty. */
  | { readonly kind: 'idle' }
  /** Another process has the claim for at most `ms`. */
  | { readonly kind: 'busy'; readonly ms: number };

export class ClaimLostError extends Error {
  override readonly name = 'ClaimLostError';
  constructor(call: string) {
    super(`the claim of call ${call} is lost`);
  }
}

export interface ClaimTimes {
  /** How long the ids of a call are kept after its last one, ms. */
  readonly dedupMs: number;
  /** Expiry of a claim, ms. Longer than one attempt can take. Renewed by each settle. */
  readonly claimMs: number;
}

interface Settling {
  readonly claim: Claim;
  readonly text: string;
  readonly resolve: (following: WaitingEntry | undefined) => void;
  readonly reject: (error: unknown) => void;
}

function stored(text: string): WaitingEntry {
  try {
    return { text, entry: readEntry(text) };
  } catch (error) {
    if (error instanceof InvalidEntryError) return { text, entry: undefined };
    throw error;
  }
}

/**
 * The waiting lists of calls and the claims on them. A call is in one of three states (docs/notifier.md):
 *
 *     idle      empty list, no claim
 *     claimed   entries wait, one process has the claim and delivers them
 *     waiting   entries wait, no claim, a retry job exists
 *
 *     idle    -> claimed   append, by the reader of the call's partition
 *     idle    -> waiting   append without a token; the reader wakes the job
 *     idle    -> waiting   insert, by a replay; the replay wakes the job
 *     waiting -> claimed   claim, by the retry job
 *     claimed -> claimed   settle, another entry waits
 *     claimed -> idle      settle of the last entry
 *     claimed -> waiting   release, or expiry after a crash; the job is woken
 */
export class Claims {
  readonly #prefix: string;
  readonly #times: ClaimTimes;
  readonly #append: Script;
  readonly #claim: Script;
  readonly #settle: Script;
  readonly #release: Script;
  readonly #settling = new Map<number, Settling[]>();
  /** Items of one script must share a slot of a Redis Cluster; elsewhere one script serves all partitions. */
  readonly #groupOf: (call: string) => number;

  constructor(redis: RedisClient, prefix: string, times: ClaimTimes) {
    this.#prefix = prefix;
    this.#times = times;
    this.#append = script(redis, 'append');
    this.#claim = script(redis, 'claim');
    this.#settle = script(redis, 'settle');
    this.#release = script(redis, 'release');
    this.#groupOf = isCluster(redis) ? partitionOf : () => 0;
  }

  /**
   * Appends entries of one partition, all or none. An entry is inserted before entries of its call that happened later
   * and still wait, because the two agents of a node publish in any order. A ring or progress is late
   * if any later entry was sent, a leg_end, transfer or recording never, any other entry if the hangup was sent. The first
   * entry of a list counts as sent.
   * @throws when `holder` does not have the lease of the partition: two readers would break the order within calls.
   */
  async append(partition: number, holder: string, additions: readonly Addition[]): Promise<Placement[]> {
    const keys = [leaseKey(this.#prefix, partition), pendingKey(this.#prefix, partition)];
    const args: (string | number)[] = [holder, this.#times.dedupMs, this.#times.claimMs];
    for (const { entry, text, token } of additions) {
      const call = callOf(entry);
      const { waiting, seen, claim } = callKeys(this.#prefix, call);
      const { leg, action } = entry.progress.notification;
      keys.push(waiting, seen, claim);
      args.push(call, `${leg}.${action}`, entry.at, LATENESS[action], token, text);
    }
    return (await this.#append(keys, args)) as Placement[];
  }

  /** The claim made by an `append` that was sent at `sentAt` (`performance.now()`). */
  claimed(call: string, token: string, sentAt: number): Claim {
    return { call, token, expiresAt: sentAt + this.#times.claimMs };
  }

  /** Claims a call for its retry job. */
  async claim(call: string, token: string): Promise<Claiming> {
    const sentAt = performance.now();
    const { waiting, claim } = callKeys(this.#prefix, call);
    const keys = [waiting, claim, this.#pendingOf(call)];
    const [ms, text] = (await this.#claim(keys, [token, this.#times.claimMs, call])) as [
      number,
      string | null | undefined,
    ];
    if (ms > 0) return { kind: 'busy', ms };
    if (text === undefined || text === null) return { kind: 'idle' };
    return { kind: 'claimed', claim: this.claimed(call, token, sentAt), first: stored(text) };
  }

  /**
   * Removes an entry that is delivered or dead. Renews the claim and returns the next entry; without a next entry the
   * claim ends.
   * @throws {ClaimLostError}
   */
  settle(claim: Claim, text: string): Promise<WaitingEntry | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<WaitingEntry | undefined>();
    const group = this.#groupOf(claim.call);
    const gathered = this.#settling.get(group);
    const item = { claim, text, resolve, reject };
    if (gathered) gathered.push(item);
    else {
      this.#settling.set(group, [item]);
      // One script settles all entries of one turn of the event loop, because many calls are delivered at once.
      setImmediate(() => {
        this.#settleGroup(group).catch(() => {});
      });
    }
    return promise;
  }

  async #settleGroup(group: number): Promise<void> {
    const items = this.#settling.get(group) ?? [];
    this.#settling.delete(group);
    const sentAt = performance.now();
    const keys = items.flatMap(({ claim }) => {
      const { waiting, claim: key } = callKeys(this.#prefix, claim.call);
      return [waiting, key, this.#pendingOf(claim.call)];
    });
    const args = items.flatMap(({ claim, text }) => [claim.call, claim.token, entryStart(text)]);
    try {
      const settled = (await this.#settle(keys, [this.#times.claimMs, ...args])) as [number, string | null][];
      for (const [index, { claim, resolve, reject }] of items.entries()) {
        const [kept, following] = settled[index] ?? [0, null];
        if (kept === 1) {
          claim.expiresAt = sentAt + this.#times.claimMs;
          resolve(following === null || following === undefined ? undefined : stored(following));
        } else reject(new ClaimLostError(claim.call));
      }
    } catch (error) {
      for (const { reject } of items) reject(error);
    }
  }

  /**
   * Ends a claim while entries wait, and stores the number of attempts made. The caller must wake the job.
   * @returns false when the claim was lost. Then nothing is stored.
   */
  async release({ call, token }: Claim, { entry, text }: WaitingEntry, attempts: number): Promise<boolean> {
    const { waiting, claim } = callKeys(this.#prefix, call);
    const attempted =
      entry !== undefined && attempts > entry.attempts ? writeEntry({ ...entry, attempts }) : '';
    const keys = [waiting, claim, this.#pendingOf(call)];
    return (await this.#release(keys, [token, text, attempted, call])) === 1;
  }

  #pendingOf(call: string): string {
    return pendingKey(this.#prefix, partitionOf(call));
  }
}
