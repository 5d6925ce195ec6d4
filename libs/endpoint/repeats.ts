/** The `webhook-id`s of what has been worked on. In earnest: a table where the id is unique. */
export interface Repeats {
  has(id: string): boolean | Promise<boolean>;
  /** Called when the work on it has succeeded. */
  add(id: string): unknown;
}

const MAX_IDS = 100_000;

/** The last ids of this process. */
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
