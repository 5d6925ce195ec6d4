export type Value = string | readonly string[];

export const flatten = (value: Value): string =>
  typeof value === 'string' ? value : `ARRAY::${value.join('|:')}`;

interface Entry {
  readonly name: string;
  readonly value: Value;
}

/** Channel variables: names match in any case, a value that is set again moves to the end, as in switch_event.c. */
export class Variables {
  readonly #entries = new Map<string, Entry>();

  get(name: string): string | undefined {
    const entry = this.#entries.get(name.toLowerCase());
    return entry && flatten(entry.value);
  }

  /** One element of an array. */
  at(name: string, index: number): string | undefined {
    const value = this.#entries.get(name.toLowerCase())?.value;
    return typeof value === 'string' ? value : value?.[index];
  }

  set(name: string, value: Value | undefined): void {
    const key = name.toLowerCase();
    this.#entries.delete(key);
    if (value === undefined || value === '') return;
    const array = typeof value === 'string' && value.startsWith('ARRAY::');
    this.#entries.set(key, { name, value: array ? value.slice(7).split('|:') : value });
  }

  /** The first value is a plain one; the second makes it an array. */
  push(name: string, value: string): void {
    const key = name.toLowerCase();
    const old = this.#entries.get(key);
    const values =
      old === undefined ? value : typeof old.value === 'string' ? [old.value, value] : [...old.value, value];
    this.#entries.set(key, { name, value: values });
  }

  *[Symbol.iterator](): IterableIterator<readonly [string, Value]> {
    for (const { name, value } of this.#entries.values()) yield [name, value];
  }
}
