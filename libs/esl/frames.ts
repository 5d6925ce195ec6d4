import type { Socket } from 'node:net';
import Parser from 'modesl/lib/esl/Parser.js';
import { decodeHeader, decodeText } from './text.ts';

const MAX_HEADER_BYTES = 1 << 20;
/** `show channels as json` is the largest: 1 kB for each channel. */
const MAX_BODY_BYTES = 64 << 20;
const END_OF_HEADERS = Buffer.from('\n\n');

export type Headers = Readonly<Record<string, string>>;

export interface Frame {
  readonly type: string;
  readonly headers: Headers;
  /** As it came; whoever knows the type decodes it. */
  readonly body: Buffer;
}

/** A peer that does not speak the event socket. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

/** Values are URL-encoded in channel data only; replies such as getvar's stand as they are. */
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
 * modesl's parser without its traps: no throw on a bare percent sign, a header block scanned once, bounded sizes, and
 * a frame handler that throws does not stall the frames behind it.
 */
export class FrameParser extends Parser {
  declare pending: Buffer[];
  declare size: number;
  declare waitFor: number;
  declare headers: Record<string, string> | undefined;
  readonly #onFrame: (frame: Frame) => void;

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
    if (this.size < this.waitFor) return;
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

  #takeFrames(buffer: Buffer): Buffer {
    let rest = buffer;
    for (;;) {
      if (this.headers === undefined) {
        const end = rest.indexOf(END_OF_HEADERS);
        if (end > MAX_HEADER_BYTES || (end === -1 && rest.length > MAX_HEADER_BYTES))
          throw new FrameError(`a header block of more than ${MAX_HEADER_BYTES} bytes`);
        if (end === -1) return rest;
        this.headers = parseHeaders(decodeText(rest.subarray(0, end)));
        rest = rest.subarray(end + END_OF_HEADERS.length);
      }
      const length = Number(this.headers['Content-Length'] ?? 0);
      if (!(length >= 0 && length <= MAX_BODY_BYTES)) throw new FrameError('a Content-Length out of range');
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
