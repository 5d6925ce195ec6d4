/** Counts the calls with a request to their endpoint in flight. The caller refuses a call when the count is `full`. */
export class CallsInFlight {
  readonly #max: number;
  #size = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#size;
  }

  get full(): boolean {
    return this.#size >= this.#max;
  }

  /** Counts a call as in flight while `work` runs. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    this.#size++;
    try {
      return await work();
    } finally {
      this.#size--;
    }
  }
}
