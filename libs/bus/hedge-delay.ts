/** Weight of the newest sample in the average: faster acceptances count at once, slower ones when they persist. */
const WEIGHT_FASTER = 1 / 2;
const WEIGHT_SLOWER = 1 / 8;
/** Multiple of the average time to an acceptance after which a request is late. */
const LATE_FACTOR = 3;
const MAX_MS = 500;

/**
 * How long a request may be without an acceptance before it is sent again: HEDGE_AFTER_MS, or three times the usual time
 * to an acceptance if that is longer, up to 500 ms. So distant or overloaded routers do not get every request twice.
 */
export class HedgeDelay {
  readonly #minimumMs: number;
  #usualMs: number | undefined;

  /** @param minimumMs 0 disables hedging. */
  constructor(minimumMs: number) {
    this.#minimumMs = minimumMs;
  }

  /** Undefined when hedging is disabled, and before the first acceptance: routers of an older version send none. */
  get ms(): number | undefined {
    if (this.#minimumMs === 0 || this.#usualMs === undefined) return undefined;
    return Math.max(this.#minimumMs, Math.min(MAX_MS, LATE_FACTOR * this.#usualMs));
  }

  /** Call with the time from sending a copy to its acceptance. */
  observe(ms: number): void {
    const usual = this.#usualMs ?? ms;
    this.#usualMs = usual + (ms < usual ? WEIGHT_FASTER : WEIGHT_SLOWER) * (ms - usual);
  }
}
