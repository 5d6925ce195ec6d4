export type Phase = 'connect' | 'response';

/**
 * The two deadlines of a call, of which one runs at a time. A call that has to connect again goes on with what is left
 * of each: both together are never more than their sum.
 */
export class Deadlines {
  readonly #limitMs: Readonly<Record<Phase, number>>;
  readonly #onPassed: (phase: Phase) => void;
  readonly #spentMs = { connect: 0, response: 0 };
  #phase: Phase = 'connect';
  #since = performance.now();
  #timer: NodeJS.Timeout | undefined;

  constructor(limitMs: Readonly<Record<Phase, number>>, onPassed: (phase: Phase) => void) {
    this.#limitMs = limitMs;
    this.#onPassed = onPassed;
    this.#arm();
  }

  enter(phase: Phase): void {
    this.stop();
    this.#phase = phase;
    this.#arm();
  }

  /** Stops the clock. Milliseconds spent in each phase. */
  stop(): Readonly<Record<Phase, number>> {
    if (this.#timer !== undefined) this.#spentMs[this.#phase] += performance.now() - this.#since;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    return this.#spentMs;
  }

  #arm(): void {
    const phase = this.#phase;
    this.#since = performance.now();
    this.#timer = setTimeout(
      () => this.#onPassed(phase),
      Math.max(0, this.#limitMs[phase] - this.#spentMs[phase]),
    );
  }
}
