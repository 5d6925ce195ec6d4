import type { Claim, Claims, StoredEntry } from '#libs/queue/claims.ts';
import type { Delivery, NextAttempt } from './delivery.ts';
import type { Admitted } from './endpoint-admission.ts';

/** State of a call after a run: nothing waits, or its retry job has to run after `ms`. */
export type RunResult = { readonly kind: 'idle' } | { readonly kind: 'waiting'; readonly ms: number };

export interface RunOptions {
  /** Permission for the first notification, when it has already been obtained. */
  readonly admitted?: Admitted;
  /** A notification is delivered or dead, and no longer in Redis. */
  readonly onSettled?: (id: string) => void;
}

/**
 * Delivers a claimed call's notifications one after the other, until nothing waits or one has to wait for its next
 * attempt; then those behind it wait too. Both ways of delivering, directly and from a retry job, end here.
 */
export class CallDelivery {
  readonly #claims: Claims;
  readonly #delivery: Delivery;
  /** The longest that one attempt can take, ms. */
  readonly #attemptMs: number;
  #stopping = false;

  constructor(claims: Claims, delivery: Delivery, attemptMs: number) {
    this.#claims = claims;
    this.#delivery = delivery;
    this.#attemptMs = attemptMs;
  }

  /** From now on a call is released after the notification that is in flight. */
  stop(): void {
    this.#stopping = true;
  }

  /**
   * The claim is ended or released afterwards, whatever happens, unless Redis does not allow it: then it expires.
   * @throws {ClaimLostError} or an error of Redis: the notification may be delivered again.
   */
  async run(claim: Claim, first: StoredEntry, { admitted, onSettled }: RunOptions): Promise<RunResult> {
    let current = first;
    let admission = admitted;
    try {
      for (;;) {
        const next = await this.#deliver(claim, current, admission);
        if (next !== undefined) {
          await this.#claims.release(claim, current, next.attempts);
          return { kind: 'waiting', ms: next.ms };
        }
        const following = await this.#claims.settle(claim, current.text);
        onSettled?.(current.entry.id);
        if (following === undefined) return { kind: 'idle' };
        current = following;
        admission = undefined;
      }
    } catch (error) {
      await this.#claims.release(claim, current, 0).catch(() => {});
      throw error;
    }
  }

  async #deliver(
    claim: Claim,
    { entry }: StoredEntry,
    admitted: Admitted | undefined,
  ): Promise<NextAttempt | undefined> {
    // After a freeze another may have the call already, or get it during the attempt.
    const expires = claim.expiresAt - performance.now() < this.#attemptMs;
    if (admitted === undefined && (this.#stopping || expires)) return { ms: 0, attempts: entry.attempts };
    return this.#delivery.deliver(entry, admitted);
  }
}
