import { urlEncode } from './switch-strings.ts';
import { flatten, type Value } from './variables.ts';

export type EventFormat = 'json' | 'plain';

/** One event: headers in order, a name may occur twice. Serialized once for all who listen. */
export class SwitchEvent {
  readonly name: string;
  readonly headers: (readonly [string, Value])[];
  readonly body: string | undefined;
  readonly #frames = new Map<EventFormat, Buffer>();

  constructor(name: string, headers: (readonly [string, Value])[], body?: string) {
    this.name = name;
    this.headers = headers;
    this.body = body;
  }

  /** A header by name in any case; an array as `ARRAY::a|:b`. */
  header(name: string): string | undefined {
    const lower = name.toLowerCase();
    for (const [key, value] of this.headers) {
      if (key.length === lower.length && key.toLowerCase() === lower) return flatten(value);
    }
    return undefined;
  }

  /** The bytes that a listener gets. */
  frame(format: EventFormat): Buffer {
    const cached = this.#frames.get(format);
    if (cached !== undefined) return cached;
    const text = Buffer.from(format === 'json' ? this.#json() : serialize(this.headers, this.body));
    const head = `Content-Length: ${text.length}\nContent-Type: text/event-${format}\n\n`;
    const frame = Buffer.concat([Buffer.from(head), text]);
    this.#frames.set(format, frame);
    return frame;
  }

  #json(): string {
    const parts = this.headers.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
    if (this.body !== undefined) {
      parts.push(
        `"Content-Length":"${Buffer.byteLength(this.body)}"`,
        `"_body":${JSON.stringify(this.body)}`,
      );
    }
    return `{${parts.join(',')}}`;
  }
}

/** url-encoded header lines and an empty line, as `connect` is answered and plain events are sent. */
export function serialize(headers: readonly (readonly [string, Value])[], body?: string): string {
  const lines = headers
    .map(([name, value]) => `${name}: ${urlEncode(flatten(value)) || '_undef_'}\n`)
    .join('');
  return body === undefined || body === ''
    ? `${lines}\n`
    : `${lines}Content-Length: ${Buffer.byteLength(body)}\n\n${body}`;
}
