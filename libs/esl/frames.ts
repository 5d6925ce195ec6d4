import type { Socket } from 'node:net';
import Parser from 'modesl/lib/esl/Parser.js';
import { decodeHeader, decodeLatin1 } from './text.ts';
import { wholeNumber } from './whole-number.ts';

export interface FrameLimits {
  readonly headerBytes: number;
  /** The setting that holds `headerBytes`, for the error. */
  readonly headerSetting?: string;
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
  /** The headers as they arrived: one character for each byte, not decoded. */
  readonly raw: Headers;
  /** Not decoded. */
  readonly body: Buffer;
}

/** The peer does not speak the event socket protocol, or exceeds a limit. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

/** The headers of a block as they arrived: one character for each byte. */
export function rawHeaders(block: Buffer): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const line of block.toString('latin1').split('\n')) {
    const colon = line.indexOf(': ');
    if (colon >= 1) headers[line.slice(0, colon)] = line.slice(colon + 2);
  }
  return headers;
}

/**
 * Decodes headers. FreeSWITCH URL-encodes values in channel data only, not in replies such as getvar's. Only channel data
 * have Socket-Mode, near their end: an unterminated reply before them corrupts their first header.
 */
export function decodeHeaders(raw: Headers): Record<string, string> {
  const decode = raw['Socket-Mode'] !== undefined ? decodeHeader : decodeLatin1;
  return Object.fromEntries(Object.entries(raw).map(([name, value]) => [decodeLatin1(name), decode(value)]));
}

/** The error for a header block beyond the limit. Channel data have the uuid of their channel near the beginning. */
function tooLong(block: Buffer, { headerBytes, headerSetting }: FrameLimits): FrameError {
  const setting = headerSetting === undefined ? '' : ` (${headerSetting})`;
  const uuid = decodeHeader(rawHeaders(block.subarray(0, headerBytes))['Unique-ID'] ?? '').slice(0, 256);
  const channel = uuid === '' ? '' : ` of the channel ${uuid}`;
  return new FrameError(`header block${channel} of more than ${headerBytes} bytes${setting}`);
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
  #raw: Headers = {};
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
        if (end > headerBytes || (end === -1 && rest.length > headerBytes)) throw tooLong(rest, this.limits);
        if (end === -1) return rest;
        this.#raw = rawHeaders(rest.subarray(0, end));
        this.headers = decodeHeaders(this.#raw);
        rest = rest.subarray(end + END_OF_HEADERS.length);
      }
      const length = wholeNumber(this.headers['Content-Length'] ?? '0', bodyBytes);
      if (length === undefined) throw new FrameError(`Content-Length is not a number from 0 to ${bodyBytes}`);
      this.waitFor = length;
      if (rest.length < length) return rest;
      const frame = {
        type: this.headers['Content-Type'] ?? '',
        headers: this.headers,
        raw: this.#raw,
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
