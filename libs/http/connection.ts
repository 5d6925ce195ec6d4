import type { Socket } from 'node:net';
import { Client } from 'undici';
import type { Phase } from '#libs/contract/phases.ts';
import { answerFault } from './answer-fault.ts';
import { HttpError } from './failure.ts';
import { InterimAnswers } from './interim-answers.ts';
import type { ResponseHeaders } from './types.ts';
import type { WireRequest } from './wire-request.ts';

/** A connection is closed this long before the server's announced keep-alive timeout. */
const KEEP_ALIVE_MARGIN_MS = 1000;

/** Error texts name this limit. */
const MAX_HEADER_BYTES = 16 * 1024;

export interface WireAnswer {
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly body: Buffer;
}

export interface BodyLimit {
  readonly maxBytes: number;
  /** Whether the body of a 2xx answer is used. If not, a body that is too large is cut. */
  readonly used: boolean;
}

export const isSuccess = (status: number): boolean => status >= 200 && status < 300;

/** A connected socket with undici's HTTP/1.1 client on it: one request at a time, and closed for good with the socket. */
export class Connection {
  readonly origin: string;
  /** Whether it has served a request. */
  used = false;
  readonly #socket: Socket;
  readonly #interim: InterimAnswers;
  readonly #client: Client;
  readonly #onClosed: (connection: Connection) => void;
  #closed = false;

  constructor(
    origin: string,
    socket: Socket,
    keepAliveMs: number,
    onClosed: (connection: Connection) => void,
  ) {
    this.origin = origin;
    this.#socket = socket;
    this.#interim = new InterimAnswers(socket);
    this.#onClosed = onClosed;
    let connected = false;
    this.#client = new Client(origin, {
      allowH2: false,
      pipelining: 1,
      maxHeaderSize: MAX_HEADER_BYTES,
      // `Deadlines` bounds the request; undici's timers are coarse.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: keepAliveMs,
      keepAliveTimeoutThreshold: KEEP_ALIVE_MARGIN_MS,
      connect: (_, callback) => {
        if (connected) queueMicrotask(() => callback(new HttpError('connection_failed', 'closed'), null));
        // undici does not expect the callback before `connect` has returned.
        else queueMicrotask(() => callback(null, socket));
        connected = true;
      },
    });
    this.#client.on('disconnect', () => this.close());
    socket.once('close', () => this.close());
  }

  get open(): boolean {
    return !this.#closed && !this.#socket.destroyed;
  }

  /** Closes the socket at once; a request in flight fails. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.destroy();
    this.#client.destroy(null, () => {});
    this.#onClosed(this);
  }

  /**
   * Sends one request and reads the complete answer. Interim answers are read past. Enters `ttfb` when the request is written and `body` at the first
   * byte of the first answer. `signal` closes the connection.
   * @throws {HttpError} `body_too_large` or `connection_failed`, or the error of the socket or of undici. The connection
   * is closed then.
   */
  async send(
    request: WireRequest,
    limit: BodyLimit,
    signal: AbortSignal,
    enter: (phase: Phase) => void,
  ): Promise<WireAnswer> {
    const stop = () => this.close();
    signal.addEventListener('abort', stop, { once: true });
    try {
      return await this.#exchange(request, limit, enter);
    } catch (error) {
      this.close();
      throw error;
    } finally {
      signal.removeEventListener('abort', stop);
      this.#interim.forget();
      this.used = true;
    }
  }

  #exchange(
    { method, path, headers, body }: WireRequest,
    { maxBytes, used }: BodyLimit,
    enter: (phase: Phase) => void,
  ): Promise<WireAnswer> {
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let size = 0;
      let head = { status: 0, headers: {} as ResponseHeaders };
      const tooLarge = () => {
        if (used && isSuccess(head.status))
          reject(
            new HttpError('body_too_large', `the answer is larger than ${maxBytes} bytes (MAX_BODY_BYTES)`),
          );
        // For an operator the status of a failure is more useful than the size of its body.
        else resolve({ ...head, body: Buffer.concat(chunks).subarray(0, maxBytes) });
        this.close();
      };
      this.#client.dispatch(
        { method, path, headers, body },
        {
          onRequestStart: () => {
            enter('ttfb');
            this.#interim.expect(() => enter('body'));
          },
          onResponseStart: (_, status, responseHeaders) => {
            head = { status, headers: responseHeaders };
            if (Number(responseHeaders['content-length']) > maxBytes) tooLarge();
          },
          onResponseData: (_, chunk) => {
            chunks.push(Buffer.from(chunk));
            size += chunk.length;
            if (size > maxBytes) tooLarge();
          },
          onResponseEnd: () => resolve({ ...head, body: Buffer.concat(chunks) }),
          onResponseError: (_, error) =>
            reject(answerFault(error, { firstPiece: this.#interim.firstPiece, head, bodyBytes: size })),
        },
      );
    });
  }
}
