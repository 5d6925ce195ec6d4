/** The time from the first failed send until no failed item was left. */
export interface Outage {
  /** Failed sends. */
  readonly failures: number;
  readonly ms: number;
}

export interface OutageListeners {
  /** Called for the first failed send. */
  readonly onOutage: (error: Error) => void;
  /** Called after `onOutage` when an item was accepted and none that failed is left. */
  readonly onRestored: (outage: Outage) => void;
}

/** Reports an outage when it begins and when it ends, whatever the number of keys and failures. */
export class OutageTracker {
  readonly #listeners: OutageListeners;
  /** Keys whose first item was not accepted. */
  readonly #failing = new Set<string>();
  #outage: { readonly since: number; failures: number; error: Error } | undefined;

  constructor(listeners: OutageListeners) {
    this.#listeners = listeners;
  }

  /** The last error; undefined when there is no outage. */
  get error(): Error | undefined {
    return this.#outage?.error;
  }

  failed(key: string, error: Error): void {
    this.#failing.add(key);
    const begins = this.#outage === undefined;
    this.#outage ??= { since: performance.now(), failures: 0, error };
    this.#outage.failures++;
    this.#outage.error = error;
    if (begins) this.#listeners.onOutage(error);
  }

  accepted(key: string): void {
    this.#failing.delete(key);
    if (!this.#outage || this.#failing.size > 0) return;
    const { since, failures } = this.#outage;
    this.#outage = undefined;
    this.#listeners.onRestored({ failures, ms: Math.round(performance.now() - since) });
  }

  /** The items of a key are gone. This does not end an outage: nothing was accepted. */
  removed(key: string): void {
    this.#failing.delete(key);
  }
}
