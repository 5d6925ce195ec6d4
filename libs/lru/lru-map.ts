/** A map of at most `max` entries: adding one more evicts the least recently used, that is, read or written. */
export class LruMap<Key, Value> {
  readonly #max: number;
  /** Least recently used first. */
  readonly #entries = new Map<Key, Value>();

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Counts as a use. */
  get(key: Key): Value | undefined {
    const value = this.#entries.get(key);
    if (value !== undefined) this.#touch(key, value);
    return value;
  }

  /** Does not count as a use. */
  peek(key: Key): Value | undefined {
    return this.#entries.get(key);
  }

  set(key: Key, value: Value): void {
    this.#touch(key, value);
    if (this.#entries.size <= this.#max) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      return;
    }
  }

  clear(): void {
    this.#entries.clear();
  }

  delete(key: Key): boolean {
    return this.#entries.delete(key);
  }

  /** Least recently used first. Does not count as a use. */
  [Symbol.iterator](): MapIterator<[Key, Value]> {
    return this.#entries.entries();
  }

  #touch(key: Key, value: Value): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
  }
}
