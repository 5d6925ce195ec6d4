import type { Phase } from '#libs/contract/phases.ts';
import { type ConnectOptions, openSocket } from './connect.ts';
import { Connection } from './connection.ts';

export interface PoolOptions extends ConnectOptions {
  /** Milliseconds before an idle connection is closed; less when the server announces less. */
  readonly keepAliveMs: number;
  /** Open and opening connections to one origin. Further requests queue. */
  readonly maxConnectionsPerOrigin: number;
  /** Idle connections to all origins together. Beyond it the least recently used one is closed. */
  readonly maxIdleConnections: number;
}

/** Ends the wait of a queued request: with a connection that became free, or without one to open its own. */
type Turn = (connection: Connection | undefined) => void;

interface Origin {
  /** Connections that are open, opening, or about to be opened by a request that left the queue. */
  connections: number;
  readonly idle: Connection[];
  readonly queue: Set<Turn>;
}

/**
 * Kept-alive connections by origin. A request without an idle connection opens its own, so that no origin delays another.
 * An origin without connections and requests uses no memory.
 */
export class ConnectionPool {
  readonly #options: PoolOptions;
  readonly #origins = new Map<string, Origin>();
  /** Least recently used first. */
  readonly #idle = new Set<Connection>();

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Number of origins with a connection or a request, and of idle connections. */
  get size(): { origins: number; idle: number } {
    return { origins: this.#origins.size, idle: this.#idle.size };
  }

  /**
   * Returns an idle connection unless `fresh`, else a new one. The caller returns it with `release`.
   * @throws the socket's error, or the reason of `signal`.
   */
  async acquire(
    key: string,
    fresh: boolean,
    signal: AbortSignal,
    enter: (phase: Phase) => void,
  ): Promise<Connection> {
    const origin = this.#origin(key);
    if (!fresh) {
      const idle = origin.idle.pop();
      if (idle) {
        this.#idle.delete(idle);
        return idle;
      }
    }
    if (origin.connections >= this.#options.maxConnectionsPerOrigin) origin.idle[0]?.close();
    if (origin.connections >= this.#options.maxConnectionsPerOrigin) {
      enter('queue');
      const given = await this.#turn(origin, signal);
      if (given) return given;
    } else origin.connections++;
    try {
      signal.throwIfAborted();
      const socket = await openSocket(key, this.#options, signal, enter);
      return new Connection(key, socket, this.#options.keepAliveMs, (closed) => this.#forget(closed));
    } catch (error) {
      this.#free(key, origin);
      throw error;
    }
  }

  /** Returns a connection: one that is still open can be reused. */
  release(connection: Connection): void {
    if (connection.open) this.#reuse(connection);
    else connection.close();
  }

  closeIdle(): void {
    for (const connection of [...this.#idle]) connection.close();
  }

  #reuse(connection: Connection): void {
    const origin = this.#origin(connection.origin);
    const [next] = origin.queue;
    if (next) {
      next(connection);
      return;
    }
    origin.idle.push(connection);
    this.#idle.add(connection);
    if (this.#idle.size > this.#options.maxIdleConnections) {
      const [oldest] = this.#idle;
      oldest?.close();
    }
  }

  #origin(key: string): Origin {
    let origin = this.#origins.get(key);
    if (!origin) {
      origin = { connections: 0, idle: [], queue: new Set() };
      this.#origins.set(key, origin);
    }
    return origin;
  }

  #turn(origin: Origin, signal: AbortSignal): Promise<Connection | undefined> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        origin.queue.delete(turn);
        reject(signal.reason);
      };
      const turn: Turn = (connection) => {
        origin.queue.delete(turn);
        signal.removeEventListener('abort', leave);
        resolve(connection);
      };
      origin.queue.add(turn);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  #free(key: string, origin: Origin): void {
    const [next] = origin.queue;
    if (next) next(undefined);
    else if (--origin.connections === 0) this.#origins.delete(key);
  }

  #forget(connection: Connection): void {
    const origin = this.#origins.get(connection.origin);
    if (!origin) return;
    if (this.#idle.delete(connection)) origin.idle.splice(origin.idle.indexOf(connection), 1);
    this.#free(connection.origin, origin);
  }
}
