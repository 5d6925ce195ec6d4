import type { Socket } from 'node:net';
import { Client } from 'undici';
import type { Phase } from '#libs/contract/phases.ts';
import { HttpError } from './failure.ts';
import type { ResponseHeaders } from './types.ts';
import type { WireRequest } from './wire-request.ts';

/** A server's own announcement of when it closes is believed this much less, in milliseconds. */
const KEEP_ALIVE_MARGIN_MS = 1000;

export interface WireAnswer {
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly body: Buffer;
}

const isSuccess = (status: number): boolean => status >= 200 && status < 300;

/**
 * One connected socket, spoken to by undici's HTTP/1.1 client, one request at a time. It never connects again: when the
 * socket ends, so does this.
 */
export class Connection {
  readonly origin: string;
  /** Whether it has served a request before. */
  used = false;
  readonly #socket: Socket;
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
    this.#onClosed = onClosed;
    let given = false;
    this.#client = new Client(origin, {
      allowH2: false,
      pipelining: 1,
      // The call's own two timers rule; undici's are coarse.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: keepAliveMs,
      keepAliveTimeoutThreshold: KEEP_ALIVE_MARGIN_MS,
      connect: (_, callback) => {
        if (given) queueMicrotask(() => callback(new HttpError('connection_failed', 'closed'), null));
        // Undici does not expect the answer before its call has returned.
        else queueMicrotask(() => callback(null, socket));
        given = true;
      },
    });
    this.#client.on('disconnect', () => this.close());
    socket.once('close', () => this.close());
  }

  get open(): boolean {
    return !this.#closed && !this.#socket.destroyed;
  }

  /** Ends the socket at once, with whatever goes over it. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.destroy();
    this.#client.destroy(null, () => {});
    this.#onClosed(this);
  }

  /**
   * Sends one request and reads the whole answer. `at` hears `ttfb` when the request is written and `body` at the
   * first byte of the answer. `over` closes the connection.
   * @throws whatever ended the connection; {HttpError} `body_too_large`. The connection is closed then.
   */
  async send(
    request: WireRequest,
    maxBodyBytes: number,
    over: AbortSignal,
    at: (phase: Phase) => void,
  ): Promise<WireAnswer> {
    const stop = () => this.close();
    over.addEventListener('abort', stop, { once: true });
    try {
      return await this.#exchange(request, maxBodyBytes, at);
    } catch (error) {
      this.close();
      throw error;
    } finally {
      over.removeEventListener('abort', stop);
      this.used = true;
    }
  }

  #exchange(
    { method, path, headers, body }: WireRequest,
    maxBodyBytes: number,
    at: (phase: Phase) => void,
  ): Promise<WireAnswer> {
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let size = 0;
      let head = { status: 0, headers: {} as ResponseHeaders };
      const tooLarge = () => {
        if (isSuccess(head.status))
          reject(new HttpError('body_too_large', `the answer is larger than ${maxBodyBytes} bytes`));
        // A status that is a failure by itself says more than the size of its page.
        else resolve({ ...head, body: Buffer.concat(chunks).subarray(0, maxBodyBytes) });
        this.close();
      };
      this.#client.dispatch(
        { method, path, headers, body },
        {
          onRequestStart: () => at('ttfb'),
          onResponseStarted: () => at('body'),
          onResponseStart: (_, status, responseHeaders) => {
            head = { status, headers: responseHeaders };
            if (status >= 200 && Number(responseHeaders['content-length']) > maxBodyBytes) tooLarge();
          },
          onResponseData: (_, chunk) => {
            chunks.push(Buffer.from(chunk));
            size += chunk.length;
            if (size > maxBodyBytes) tooLarge();
          },
          onResponseEnd: () => resolve({ ...head, body: Buffer.concat(chunks) }),
          onResponseError: (_, error) => reject(error),
        },
      );
    });
  }
}
