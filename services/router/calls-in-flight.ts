/** The calls being asked about, bounded, each of which can be abandoned by its uuid. */
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

  /** Runs `work` as one of the calls in hand. Its signal is aborted when the call is abandoned. */
  async run<T>(uuid: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    const same = this.#byUuid.get(uuid) ?? new Set();
    this.#byUuid.set(uuid, same.add(controller));
    this.#size++;
    try {
      return await work(controller.signal);
    } finally {
      this.#size--;
      same.delete(controller);
      if (same.size === 0) this.#byUuid.delete(uuid);
    }
  }

  /** Every router hears of every abandoned call: most are not in its hands. */
  abandon(uuid: string): void {
    for (const controller of this.#byUuid.get(uuid) ?? []) controller.abort();
  }
}
