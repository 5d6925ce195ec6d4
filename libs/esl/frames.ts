import type { Socket } from 'node:net';
import Parser from 'modesl/lib/esl/Parser.js';
import { decodeHeader, decodeText } from './text.ts';

export interface FrameLimits {
  readonly headerBytes: number;
  readonly bodyBytes: number;
}

/** The largest body is that of `show channels as json`: 1 kB for each channel. */
const INBOUND_LIMITS: FrameLimits = { headerBytes: 1 << 20, bodyBytes: 64 << 20 };
const LINE_END = 0x0a;
const END_OF_HEADERS = Buffer.from('\n\n');
/** Chunks kept apart before they are concatenated: bounds the cost of a peer that sends single bytes. */
const MAX_CHUNKS = 64;

export type Headers = Readonly<Record<string, string>>;

export interface Frame {
  readonly type: string;
  readonly headers: Headers;
  /** Not decoded. */
  readonly body: Buffer;
}

/** The peer does not speak the event socket protocol, or exceeds a limit. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

/** Parses a header block. FreeSWITCH URL-encodes values in channel data only, not in replies such as getvar's. */
export function parseHeaders(text: string): Record<string, string> {
  const encoded = text.includes('Event-Name: CHANNEL_DATA');
  const headers: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const colon = line.indexOf(': ');
    if (colon < 1) continue;
    const value = line.slice(colon + 2);
    headers[line.slice(0, colon)] = encoded ? decodeHeader(value) : value;
  }
  return headers;
}

/**
 * Replaces modesl's parser, which throws on a bare percent sign, scans a header block again for each chunk, has no
 * size limits, and drops the frames that follow one whose handler throws.
 */
export class FrameParser extends Parser {
  declare pending: Buffer[];
  declare size: number;
  declare waitFor: number;
  declare headers: Record<string, string> | undefined;
  limits = INBOUND_LIMITS;
  readonly #onFrame: (frame: Frame) => void;
  #endsLine = false;

  constructor(socket: Socket, onFrame: (frame: Frame) => void) {
    super(socket);
    this.pending = [];
    this.size = 0;
    this.waitFor = 0;
    this.#onFrame = onFrame;
  }

  override _onData(data: Buffer): void {
    this.pending.push(data);
    this.size += data.length;
    if (this.#isUnfinished(data)) {
      if (this.pending.length > MAX_CHUNKS) this.pending = [Buffer.concat(this.pending, this.size)];
      return;
    }
    let buffer = this.pending.length === 1 ? data : Buffer.concat(this.pending, this.size);
    try {
      buffer = this.#takeFrames(buffer);
    } catch (error) {
      this.emit('error', error);
      buffer = Buffer.alloc(0);
    }
    this.pending = buffer.length > 0 ? [buffer] : [];
    this.size = buffer.length;
  }

  /** Whether this chunk completes neither a header block nor a body. Searches only the chunk. */
  #isUnfinished(chunk: Buffer): boolean {
    const ends = (this.#endsLine && chunk[0] === LINE_END) || chunk.includes(END_OF_HEADERS);
    this.#endsLine = chunk.at(-1) === LINE_END;
    if (this.headers !== undefined) return this.size < this.waitFor;
    return !ends && this.size <= this.limits.headerBytes;
  }

  #takeFrames(buffer: Buffer): Buffer {
    const { headerBytes, bodyBytes } = this.limits;
    let rest = buffer;
    for (;;) {
      if (this.headers === undefined) {
        const end = rest.indexOf(END_OF_HEADERS);
        if (end > headerBytes || (end === -1 && rest.length > headerBytes))
          throw new FrameError(`header block of more than ${headerBytes} bytes`);
        if (end === -1) return rest;
        this.headers = parseHeaders(decodeText(rest.subarray(0, end)));
        rest = rest.subarray(end + END_OF_HEADERS.length);
      }
      const length = Number(this.headers['Content-Length'] ?? 0);
      if (!(length >= 0 && length <= bodyBytes)) throw new FrameError('Content-Length out of range');
      this.waitFor = length;
      if (rest.length < length) return rest;
      const frame = {
        type: this.headers['Content-Type'] ?? '',
        headers: this.headers,
        body: rest.subarray(0, length),
      };
      this.headers = undefined;
      this.waitFor = 0;
      rest = rest.subarray(length);
      this.#deliver(frame);
    }
  }

  #deliver(frame: Frame): void {
    try {
      this.#onFrame(frame);
    } catch (error) {
      this.emit('error', error);
    }
  }
}
