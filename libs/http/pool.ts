import type { Phase } from '#libs/contract/phases.ts';
import { type ConnectOptions, openSocket } from './connect.ts';
import { Connection } from './connection.ts';

export interface PoolOptions extends ConnectOptions {
  /** How long an idle connection is kept, in milliseconds; less when the server announces less. */
  readonly keepAliveMs: number;
  /** Open and opening connections to one origin; further calls wait, within their connect timeout. */
  readonly maxConnectionsPerOrigin: number;
  /** Idle connections to all origins together; beyond it the one unused for longest is closed. */
  readonly maxIdleConnections: number;
}

/** What a waiting call gets: a connection just become free, or the right to open one. */
type Turn = (connection: Connection | undefined) => void;

interface Origin {
  /** Connections open, opening or about to be opened by the call that was given the turn. */
  taken: number;
  readonly idle: Connection[];
  readonly waiting: Set<Turn>;
}

/**
 * Kept-alive connections by origin. What has no connection and no call takes no memory, and no origin can hold up
 * another: each call opens its own connection when none is idle.
 */
export class ConnectionPool {
  readonly #options: PoolOptions;
  readonly #origins = new Map<string, Origin>();
  /** In the order of their last use, oldest first. */
  readonly #idle = new Set<Connection>();

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** For tests and health: how many origins and idle connections are remembered. */
  get size(): { origins: number; idle: number } {
    return { origins: this.#origins.size, idle: this.#idle.size };
  }

  /**
   * An idle connection, unless `fresh` is asked for, or a new one. The caller gives it back with `release` or closes it.
   * @throws the socket's error, or the reason of `over`.
   */
  async acquire(
    key: string,
    fresh: boolean,
    over: AbortSignal,
    at: (phase: Phase) => void,
  ): Promise<Connection> {
    const origin = this.#origin(key);
    if (!fresh) {
      const idle = origin.idle.pop();
      if (idle) {
        this.#idle.delete(idle);
        return idle;
      }
    }
    if (origin.taken >= this.#options.maxConnectionsPerOrigin) origin.idle[0]?.close();
    if (origin.taken >= this.#options.maxConnectionsPerOrigin) {
      at('queue');
      const given = await this.#turn(origin, over);
      if (given) return given;
    } else origin.taken++;
    try {
      over.throwIfAborted();
      const socket = await openSocket(key, this.#options, over, at);
      return new Connection(key, socket, this.#options.keepAliveMs, (closed) => this.#forget(closed));
    } catch (error) {
      this.#free(key, origin);
      throw error;
    }
  }

  /** Takes a connection back after a complete answer. */
  release(connection: Connection): void {
    if (connection.open) this.#reuse(connection);
    else connection.close();
  }

  closeIdle(): void {
    for (const connection of [...this.#idle]) connection.close();
  }

  #reuse(connection: Connection): void {
    const origin = this.#origin(connection.origin);
    const [next] = origin.waiting;
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
      origin = { taken: 0, idle: [], waiting: new Set() };
      this.#origins.set(key, origin);
    }
    return origin;
  }

  #turn(origin: Origin, over: AbortSignal): Promise<Connection | undefined> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        origin.waiting.delete(turn);
        reject(over.reason);
      };
      const turn: Turn = (connection) => {
        origin.waiting.delete(turn);
        over.removeEventListener('abort', leave);
        resolve(connection);
      };
      origin.waiting.add(turn);
      over.addEventListener('abort', leave, { once: true });
    });
  }

  #free(key: string, origin: Origin): void {
    const [next] = origin.waiting;
    if (next) next(undefined);
    else if (--origin.taken === 0) this.#origins.delete(key);
  }

  #forget(connection: Connection): void {
    const origin = this.#origins.get(connection.origin);
    if (!origin) return;
    if (this.#idle.delete(connection)) origin.idle.splice(origin.idle.indexOf(connection), 1);
    this.#free(connection.origin, origin);
  }
}
