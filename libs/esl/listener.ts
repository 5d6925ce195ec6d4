import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** Connections that the kernel queues. One more is dropped silently, and FreeSWITCH waits 25 s for it. */
const BACKLOG = 4096;
const RETRY_MS = 500;

export interface ListenerOptions {
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  readonly onConnection: (socket: Socket) => void;
  readonly onError: (error: Error) => void;
}

/**
 * A TCP listener that can be closed for a while:
 *
 *     listening <-> refusing -> closed
 *
 * Connections that are open stay open in every state.
 */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #server: Server;
  #port: number;
  #accepts = true;

  private constructor(options: ListenerOptions) {
    this.#options = options;
    this.#port = options.port;
    this.#server = createServer(options.onConnection);
  }

  /** @throws {Error} with code EADDRINUSE or EACCES when the address cannot be listened on. */
  static async open(options: ListenerOptions): Promise<Listener> {
    const listener = new Listener(options);
    const server = listener.#server;
    listener.#listen();
    await once(server, 'listening');
    listener.#port = (server.address() as AddressInfo).port;
    server.on('error', (error) => {
      options.onError(error);
      // Another process may have taken the port while this one refused connections.
      setTimeout(() => listener.#listen(), RETRY_MS).unref();
    });
    return listener;
  }

  get port(): number {
    return this.#port;
  }

  /** Listens on the same port, or refuses connections. */
  accept(accepts: boolean): void {
    this.#accepts = accepts;
    if (accepts) this.#listen();
    else this.#server.close();
  }

  #listen(): void {
    if (!this.#accepts || this.#server.listening) return;
    this.#server.listen({ port: this.#port, host: this.#options.host, backlog: BACKLOG });
  }
}
