export type Deadline = 'connect' | 'response';

/**
 * The two deadlines of a request, one of which runs at a time. A request that is repeated on a new connection continues
 * with the time left of each, so that both together never exceed their sum.
 */
export class Deadlines {
  readonly #limitMs: Readonly<Record<Deadline, number>>;
  readonly #onPassed: (deadline: Deadline) => void;
  readonly #spentMs = { connect: 0, response: 0 };
  #deadline: Deadline = 'connect';
  #since = performance.now();
  #timer: NodeJS.Timeout | undefined;

  constructor(limitMs: Readonly<Record<Deadline, number>>, onPassed: (deadline: Deadline) => void) {
    this.#limitMs = limitMs;
    this.#onPassed = onPassed;
    this.#arm();
  }

  enter(deadline: Deadline): void {
    this.stop();
    this.#deadline = deadline;
    this.#arm();
  }

  /** Stops the running deadline. Returns the milliseconds spent under each. */
  stop(): Readonly<Record<Deadline, number>> {
    if (this.#timer !== undefined) this.#spentMs[this.#deadline] += performance.now() - this.#since;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    return this.#spentMs;
  }

  #arm(): void {
    const deadline = this.#deadline;
    this.#since = performance.now();
    this.#timer = setTimeout(
      () => this.#onPassed(deadline),
      Math.max(0, this.#limitMs[deadline] - this.#spentMs[deadline]),
    );
  }
}
