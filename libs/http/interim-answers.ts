import type { Socket } from 'node:net';
import { HttpError } from './failure.ts';

/** Bytes of interim answers that are read past for one request. */
const MAX_INTERIM_BYTES = 64 * 1024;
/** As long as `HTTP/1.1 100`. */
const STATUS_LENGTH = 12;
const INTERIM = /^HTTP\/1\.[01] 1\d\d/;
const SWITCHING = '101';
const NONE: Buffer = Buffer.alloc(0);

/**
 * Removes interim answers (status 1xx) from what undici reads from a socket. A server may send any number of them to any
 * request (RFC 9110, 15.2), and IIS sends 100 on a POST, but undici closes the connection on 100.
 *
 * undici reads with `socket.read()`, which this class replaces. Between `expect` and the first byte of the final answer
 * it looks at what is read; at any other time it does nothing.
 */
export class InterimAnswers {
  readonly #socket: Socket;
  #expecting = false;
  /** The beginning of an answer that is not complete enough to tell whether it is interim. */
  #buffered = NONE;
  #removed = 0;
  #first = NONE;
  #onFirstByte: () => void = () => {};

  constructor(socket: Socket) {
    this.#socket = socket;
    const read = socket.read.bind(socket);
    socket.read = (size?: number): Buffer | null => {
      let chunk: Buffer | null = read(size);
      while (this.#expecting && chunk !== null) {
        const answer = this.#finalAnswer(chunk);
        if (answer) return answer;
        chunk = read(size);
      }
      return chunk;
    };
  }

  /** Call before a request is written. `onFirstByte` is called at the first byte of its first answer. */
  expect(onFirstByte: () => void): void {
    this.#expecting = true;
    this.#buffered = NONE;
    this.#removed = 0;
    this.#first = NONE;
    this.#onFirstByte = onFirstByte;
  }

  /** The first piece of the final answer, to explain why it could not be read. */
  get firstPiece(): Buffer {
    return this.#first;
  }

  /** Call when the request has ended. */
  forget(): void {
    this.#expecting = false;
    this.#first = NONE;
    this.#buffered = NONE;
  }

  /** The first piece of the final answer, or undefined while only interim answers have arrived. */
  #finalAnswer(chunk: Buffer): Buffer | undefined {
    if (this.#removed === 0 && this.#buffered.length === 0) this.#onFirstByte();
    let rest = this.#buffered.length === 0 ? chunk : Buffer.concat([this.#buffered, chunk]);
    this.#buffered = NONE;
    while (rest.length >= STATUS_LENGTH) {
      const start = rest.toString('latin1', 0, STATUS_LENGTH);
      if (!INTERIM.test(start)) {
        this.#expecting = false;
        this.#first = rest;
        return rest;
      }
      if (start.endsWith(SWITCHING)) return this.#refuse('the endpoint switched to another protocol (101)');
      const end = rest.indexOf('\r\n\r\n');
      if (end === -1) break;
      this.#removed += end + 4;
      rest = rest.subarray(end + 4);
    }
    if (this.#removed + rest.length > MAX_INTERIM_BYTES)
      return this.#refuse(`the interim answers are larger than ${MAX_INTERIM_BYTES} bytes`);
    this.#buffered = rest;
    return undefined;
  }

  #refuse(reason: string): undefined {
    this.#expecting = false;
    this.#socket.destroy(new HttpError('connection_failed', reason));
    return undefined;
  }
}
