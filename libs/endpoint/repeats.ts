/**
 * Remembers the `webhook-id`s of handled notifications. In production use a database table with a unique id, so that a
 * restart or a second process does not handle a notification twice.
 */
export interface Repeats {
  has(id: string): boolean | Promise<boolean>;
  /** Called after the function for the notification has succeeded. */
  add(id: string): unknown;
}

const MAX_IDS = 100_000;

/** Keeps the last 100,000 ids in memory. */
export class RecentIds implements Repeats {
  readonly #ids = new Set<string>();

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  add(id: string): void {
    this.#ids.add(id);
    const [oldest] = this.#ids;
    if (this.#ids.size > MAX_IDS && oldest !== undefined) this.#ids.delete(oldest);
  }
}
