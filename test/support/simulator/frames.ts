import { readFile } from 'node:fs/promises';

/** One frame of the event socket: header lines and, when announced, a body. */
export interface Frame {
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

export type EventValue = string | readonly string[];
export type EventHeaders = ReadonlyMap<string, EventValue>;

/** Splits a stream into frames; `rest` is an incomplete one. */
export function parseFrames(bytes: Buffer): { frames: readonly Frame[]; rest: Buffer } {
  const frames: Frame[] = [];
  let rest = bytes;
  for (;;) {
    const end = rest.indexOf('\n\n');
    if (end < 0) return { frames, rest };
    const headers = new Map(
      rest
        .toString('utf8', 0, end)
        .split('\n')
        .map((line): [string, string] => {
          const colon = line.indexOf(': ');
          return [line.slice(0, colon), line.slice(colon + 2)];
        }),
    );
    const length = Number(headers.get('Content-Length') ?? 0);
    const bodyStart = end + 2;
    if (rest.length < bodyStart + length) return { frames, rest };
    frames.push({ headers, body: rest.toString('utf8', bodyStart, bodyStart + length) });
    rest = rest.subarray(bodyStart + length);
  }
}

export const isEvent = (frame: Frame): boolean => frame.headers.get('Content-Type') === 'text/event-json';

export const eventOf = (frame: Frame): EventHeaders =>
  new Map(Object.entries(JSON.parse(frame.body) as Record<string, EventValue>));

/** The answer to `connect`: url-encoded headers and no body. */
export const channelDataOf = (frame: Frame): EventHeaders =>
  new Map([...frame.headers].map(([name, value]) => [name, decodeURIComponent(value)]));

export type StreamName = 'inbound' | 'outbound';

/** The bytes of one recorded stream. */
export const recorded = (name: string, stream: StreamName, from: 'agent' | 'freeswitch'): Promise<Buffer> =>
  readFile(new URL(`../recordings/${name}/${stream}.from-${from}`, import.meta.url));
