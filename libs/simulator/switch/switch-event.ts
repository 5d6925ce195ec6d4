import { urlEncode } from './switch-strings.ts';
import { flatten, type Value } from './variables.ts';

/** One event: headers in order. Serialized once for all connections. */
export class SwitchEvent {
  readonly #headers: (readonly [string, Value])[];
  #frame: Buffer | undefined;

  constructor(headers: (readonly [string, Value])[]) {
    this.#headers = headers;
  }

  /** A header by its case-insensitive name; a list as `ARRAY::a|:b`. */
  header(name: string): string | undefined {
    const lower = name.toLowerCase();
    for (const [key, value] of this.#headers) {
      if (key.length === lower.length && key.toLowerCase() === lower) return flatten(value);
    }
    return undefined;
  }

  /** The bytes that a connection receives: a frame of type text/event-json. */
  get frame(): Buffer {
    this.#frame ??= frameOf(this.#headers);
    return this.#frame;
  }
}

function frameOf(headers: readonly (readonly [string, Value])[]): Buffer {
  const parts = headers.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
  const body = `{${parts.join(',')}}`;
  return Buffer.from(`Content-Length: ${Buffer.byteLength(body)}\nContent-Type: text/event-json\n\n${body}`);
}

/** URL-encoded header lines and an empty line: the answer to `connect`. */
export const serialize = (headers: readonly (readonly [string, Value])[]): string =>
  `${headers.map(([name, value]) => `${name}: ${urlEncode(flatten(value)) || '_undef_'}\n`).join('')}\n`;
