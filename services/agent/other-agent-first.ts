import type { CallEvent } from './call/notification.ts';

/** Longest time in which the node's other agent publishes what it has buffered when JetStream accepts it, ms. */
export const OTHER_AGENT_WAIT_MS = 3_000;

class NotYet extends Error {
  override readonly name = 'NotYet';
}

/** Whether a notification waits for the node's other agent. */
export const isNotYet = (error: unknown): boolean => error instanceof NotYet;

/**
 * Lets the node's other agent publish first the notifications of a call that began before this agent received events.
 * The other agent may still buffer earlier notifications of the call, which would be late after a hangup. When it has
 * published all, those of this agent are duplicates; without another agent they come OTHER_AGENT_WAIT_MS late.
 */
export class OtherAgentFirst {
  readonly #watchedMs: () => number;
  readonly #waitMs: number;
  /** When the wait began, by notification, on the clock of `performance`. */
  readonly #waiting = new WeakMap<CallEvent, number>();
  #restoredAt = Number.NEGATIVE_INFINITY;
  #ended = false;

  /**
   * @param watchedMs for how long this agent has received events.
   * @param waitMs how long the other agent may take.
   */
  constructor(watchedMs: () => number, waitMs: number) {
    this.#watchedMs = watchedMs;
    this.#waitMs = waitMs;
  }

  /** Call for each notification before it is buffered. */
  add(event: CallEvent): void {
    const { callStart, notification } = event;
    const lastedMs = callStart === 0 ? 0 : Date.parse(notification.time) - callStart;
    if (lastedMs > this.#watchedMs()) this.#waiting.set(event, performance.now());
  }

  /** Call before each attempt to publish. @throws an error for which `isNotYet` is true. */
  check(event: CallEvent): void {
    const since = this.#waiting.get(event);
    if (since === undefined || this.#ended) return;
    if (performance.now() - Math.max(since, this.#restoredAt) < this.#waitMs)
      throw new NotYet('the call began before this agent received events');
  }

  /** Call when publishing has failed: the other agent needs time when JetStream accepts notifications again. */
  onFailed(event: CallEvent): void {
    if (this.#waiting.has(event)) this.#waiting.set(event, performance.now());
  }

  /** Call when JetStream accepts notifications again. */
  onRestored(): void {
    this.#restoredAt = performance.now();
  }

  /** Ends all waits, because this agent stops. */
  end(): void {
    this.#ended = true;
  }
}
