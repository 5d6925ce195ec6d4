/** The calls with a request to their endpoint in flight: bounded, and each can be abandoned by its uuid. */
export class CallsInFlight {
  readonly #max: number;
  readonly #byUuid = new Map<string, Set<AbortController>>();
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

  /** Counts the call as in flight while `work` runs. The signal is aborted when the call is abandoned. */
  async run<T>(uuid: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    const controllers = this.#byUuid.get(uuid) ?? new Set();
    this.#byUuid.set(uuid, controllers.add(controller));
    this.#size++;
    try {
      return await work(controller.signal);
    } finally {
      this.#size--;
      controllers.delete(controller);
      if (controllers.size === 0) this.#byUuid.delete(uuid);
    }
  }

  /** Agents notify every router, so most calls are not in flight in this one; those are ignored. */
  abandon(uuid: string): void {
    for (const controller of this.#byUuid.get(uuid) ?? []) controller.abort();
  }
}
