import { failureKind } from '#libs/isolation/failure-kind.ts';

const MAX_REFUSALS = 20;
const REFUSED_MS = 30_000;

/**
 * The failures of one item in a row. It is at fault when its error is permanent, or when it has failed 20 times and for
 * 30 s, each time with other items accepted since the time before.
 */
export class Refusals {
  #count = 0;
  #since = 0;
  #acceptedBefore = 0;

  /** Records a failure. `accepted` counts the other items that were accepted so far. Returns whether the item is at fault. */
  add(error: Error, accepted: number, now: number): boolean {
    const kind = failureKind(error);
    if (kind !== 'unknown') return kind === 'permanent';
    if (this.#count === 0) this.#since = now;
    if (this.#count === 0 || accepted > this.#acceptedBefore) this.#count++;
    this.#acceptedBefore = accepted;
    return this.#count > MAX_REFUSALS && now - this.#since > REFUSED_MS;
  }

  reset(): void {
    this.#count = 0;
  }
}
