export type Value = string | readonly string[];

/** A list as one text: `ARRAY::a|:b`. */
export const flatten = (value: Value): string =>
  typeof value === 'string' ? value : `ARRAY::${value.join('|:')}`;

/** A text that starts with `ARRAY::` becomes a list, and a list of one value is that value (switch_event_add_array). */
export function unflatten(text: string): Value {
  if (!text.startsWith('ARRAY::')) return text;
  const [first = '', ...more] = text.slice('ARRAY::'.length).split('|:');
  return more.length === 0 ? first : [first, ...more];
}

interface Variable {
  readonly name: string;
  readonly value: Value;
}

/** Channel variables. Names are case-insensitive; a variable that is set again moves to the end (switch_event.c). */
export class Variables {
  readonly #entries = new Map<string, Variable>();

  get(name: string): string | undefined {
    const entry = this.#entries.get(name.toLowerCase());
    return entry && flatten(entry.value);
  }

  /** One element of a list. */
  at(name: string, index: number): string | undefined {
    const value = this.#entries.get(name.toLowerCase())?.value;
    return typeof value === 'string' ? value : value?.[index];
  }

  /** An empty value removes the variable. */
  set(name: string, value: Value | undefined): void {
    const key = name.toLowerCase();
    this.#entries.delete(key);
    if (value === undefined || value === '') return;
    this.#entries.set(key, { name, value: typeof value === 'string' ? unflatten(value) : value });
  }

  /** The first value is plain text; the second makes it a list. */
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
