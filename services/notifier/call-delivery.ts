import { isOwnFault, type SetAside } from '#libs/isolation/set-aside.ts';
import type { Claim, Claims, WaitingEntry } from '#libs/queue/claims.ts';
import { InvalidEntryError } from '#libs/queue/entry.ts';
import type { Log } from '#libs/telemetry/log.ts';
import type { Delivery, NextAttempt } from './delivery.ts';
import type { Admitted } from './endpoint-admission.ts';

/** `idle`: all notifications are delivered or dead. `waiting`: the retry job must run after `ms`. */
export type RunResult = { readonly kind: 'idle' } | { readonly kind: 'waiting'; readonly ms: number };

export interface RunOptions {
  /** The admission of the first notification, if the caller has it already. */
  readonly admitted?: Admitted;
  /** Called when a notification is delivered or dead and has been removed from the waiting list. */
  readonly onSettled?: (id: string) => void;
}

/**
 * Delivers the notifications of a claimed call one after the other until none is left or one must wait for its next
 * attempt; the later ones then wait too. Used for direct delivery and by retry jobs.
 */
export class CallDelivery {
  readonly #claims: Claims;
  readonly #delivery: Delivery;
  readonly #aside: SetAside;
  /** Maximum duration of one attempt, ms. */
  readonly #attemptMs: number;
  readonly #log: Log;
  #stopping = false;

  constructor(claims: Claims, delivery: Delivery, attemptMs: number, aside: SetAside, log: Log) {
    this.#claims = claims;
    this.#delivery = delivery;
    this.#aside = aside;
    this.#attemptMs = attemptMs;
    this.#log = log;
  }

  /** Calls are released after the notification that is in flight. */
  stop(): void {
    this.#stopping = true;
  }

  /**
   * Ends or releases the claim in every case. If Redis is unreachable the claim expires.
   * @throws {ClaimLostError} or an error of Redis. The notification may be delivered again.
   */
  async run(claim: Claim, first: WaitingEntry, { admitted, onSettled }: RunOptions): Promise<RunResult> {
    let current = first;
    let admission = admitted;
    try {
      for (;;) {
        const next = await this.#deliver(claim, current, admission);
        if (next !== undefined) {
          await this.#release(claim, current, next);
          return { kind: 'waiting', ms: next.ms };
        }
        const following = await this.#claims.settle(claim, current.text);
        if (current.entry !== undefined) onSettled?.(current.entry.id);
        if (following === undefined) return { kind: 'idle' };
        current = following;
        admission = undefined;
      }
    } catch (error) {
      await this.#claims.release(claim, current, 0).catch(() => {});
      throw error;
    }
  }

  async #release(claim: Claim, current: WaitingEntry, { attempts }: NextAttempt): Promise<void> {
    if (await this.#claims.release(claim, current, attempts)) return;
    const { call } = claim;
    const { entry } = current;
    // Without an attempt there is nothing to store: the process that has the claim now delivers the call.
    if (entry === undefined || attempts === entry.attempts) return;
    this.#log.warn('delivery.claim_lost', { call, notification: entry.id, attempt: attempts });
  }

  async #deliver(
    claim: Claim,
    { entry }: WaitingEntry,
    admitted: Admitted | undefined,
  ): Promise<NextAttempt | undefined> {
    if (entry === undefined) {
      this.#aside.add('waiting_entry', new InvalidEntryError('corrupt in Redis'), { call: claim.call });
      return undefined;
    }
    // If the claim would expire during the attempt (for example after this process was suspended), another notifier may
    // deliver the call. A direct delivery may have waited, too.
    const expires = claim.expiresAt - performance.now() < this.#attemptMs;
    if (expires && admitted !== undefined) await this.#delivery.decline(entry, admitted);
    if (expires || (this.#stopping && admitted === undefined)) return { ms: 0, attempts: entry.attempts };
    try {
      return await this.#delivery.deliver(entry, admitted);
    } catch (error) {
      if (!isOwnFault(error)) throw error;
      this.#aside.add('notification', error, { call: claim.call, notification: entry.id });
      await this.#delivery.keepUnprocessable(entry, error as Error);
      return undefined;
    }
  }
}
