import { partitionOf } from '#libs/contract/partition.ts';
import { callOf, type Entry, readEntry, writeEntry } from './entry.ts';
import { callKeys, leaseKey } from './keys.ts';
import { isCluster, type RedisClient } from './redis.ts';
import { type Script, script } from './script.ts';

/** The exclusive right to deliver a call's notifications. */
export interface Claim {
  readonly call: string;
  readonly token: string;
  /** When it expires unless it is renewed, ms of `performance.now()`. Never later than in Redis. */
  expiresAt: number;
}

/** An entry as it is stored: `text` identifies it in the list. */
export interface StoredEntry {
  readonly entry: Entry;
  readonly text: string;
}

/** An entry to be appended, and the token with which its call is to be claimed if it is idle; '' to claim nothing. */
export interface Addition extends StoredEntry {
  readonly token: string;
}

/**
 * Result of appending an entry.
 *
 * - `claimed`: its call was idle and is now claimed with the token.
 * - `behind`: its call is claimed; the process that has the claim delivers it, or else its job.
 * - `waiting`: it waits; the call's retry job must be woken.
 * - `repeat`: its id was seen before and it still waits; the job must be woken.
 * - `done`: its id was seen before and it is delivered, dead or was left out.
 * - `late`: left out, as a later notification of the call was sent already.
 */
export type Placement = 'claimed' | 'behind' | 'waiting' | 'repeat' | 'done' | 'late';

export type Claiming =
  | { readonly kind: 'claimed'; readonly claim: Claim; readonly first: StoredEntry }
  /** Nothing waits. */
  | { readonly kind: 'idle' }
  /** Another has the claim, for at most so many ms. */
  | { readonly kind: 'busy'; readonly ms: number };

export class ClaimLostError extends Error {
  override readonly name = 'ClaimLostError';
  constructor(call: string) {
    super(`the claim of call ${call} is lost`);
  }
}

export interface ClaimTimes {
  /** How long the ids of a call are remembered after its last one, ms. */
  readonly dedupMs: number;
  /** Expiry of a claim, ms: longer than one attempt can take. Renewed with each entry that is settled. */
  readonly claimMs: number;
}

interface Settling {
  readonly claim: Claim;
  readonly text: string;
  readonly resolve: (following: StoredEntry | undefined) => void;
  readonly reject: (error: unknown) => void;
}

const stored = (text: string): StoredEntry => ({ text, entry: readEntry(text) });

/**
 * The notifications that wait, and who delivers them. A call is in one of three states (docs/notifier.md):
 *
 *     idle      nothing waits, no claim
 *     claimed   something waits, one process has the claim and delivers
 *     waiting   something waits, no claim, a retry job exists
 *
 *     idle    -> claimed   append, by the reader of the call's partition
 *     idle    -> waiting   append without a token; the reader wakes the job
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
   * Appends entries of one partition, all or none, each before those of its call that happened later and still wait.
   * The two agents of a node bring what they have seen in any order: what comes after the call's hangup was sent is
   * late, and so is a ring or progress after anything later. The first of a list counts as sent.
   * @throws when `holder` does not hold the partition's lease: two readers at once would mix up a call's order.
   */
  async append(partition: number, holder: string, additions: readonly Addition[]): Promise<Placement[]> {
    const keys = [leaseKey(this.#prefix, partition)];
    const args: (string | number)[] = [holder, this.#times.dedupMs, this.#times.claimMs];
    for (const { entry, text, token } of additions) {
      const { waiting, seen, claim } = callKeys(this.#prefix, callOf(entry));
      const { leg, action } = entry.progress.notification;
      const optional = action === 'ring' || action === 'progress';
      keys.push(waiting, seen, claim);
      args.push(`${leg}.${action}`, entry.at, optional ? 1 : 0, token, text);
    }
    return (await this.#append(keys, args)) as Placement[];
  }

  /** A claim made by `append`, sent at `sentAt` (`performance.now()`). */
  claimed(call: string, token: string, sentAt: number): Claim {
    return { call, token, expiresAt: sentAt + this.#times.claimMs };
  }

  /** Claims a call for its retry job. */
  async claim(call: string, token: string): Promise<Claiming> {
    const sentAt = performance.now();
    const { waiting, claim } = callKeys(this.#prefix, call);
    const [ms, text] = (await this.#claim([waiting, claim], [token, this.#times.claimMs])) as [
      number,
      string | null | undefined,
    ];
    if (ms > 0) return { kind: 'busy', ms };
    if (text === undefined || text === null) return { kind: 'idle' };
    return { kind: 'claimed', claim: this.claimed(call, token, sentAt), first: stored(text) };
  }

  /**
   * Removes an entry that is delivered or dead, renews the claim and gives the next entry; without one the claim ends.
   * @throws {ClaimLostError}
   */
  settle(claim: Claim, text: string): Promise<StoredEntry | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<StoredEntry | undefined>();
    const group = this.#groupOf(claim.call);
    const gathered = this.#settling.get(group);
    const item = { claim, text, resolve, reject };
    if (gathered) gathered.push(item);
    else {
      this.#settling.set(group, [item]);
      // Those of one turn of the event loop in one script: many calls are delivered at once.
      setImmediate(() => void this.#settleGroup(group));
    }
    return promise;
  }

  async #settleGroup(group: number): Promise<void> {
    const items = this.#settling.get(group) ?? [];
    this.#settling.delete(group);
    const sentAt = performance.now();
    const keys = items.flatMap(({ claim }) => {
      const { waiting, claim: key } = callKeys(this.#prefix, claim.call);
      return [waiting, key];
    });
    const args = items.flatMap(({ claim, text }) => [claim.token, text]);
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

  /** Ends a claim while entries wait. `attempts` made at the entry are kept in it. The caller wakes the job. */
  async release({ call, token }: Claim, { entry, text }: StoredEntry, attempts: number): Promise<void> {
    const { waiting, claim } = callKeys(this.#prefix, call);
    const attempted = attempts > entry.attempts ? writeEntry({ ...entry, attempts }) : '';
    await this.#release([waiting, claim], [token, text, attempted]);
  }
}
