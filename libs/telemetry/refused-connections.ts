import type { Log } from './log.ts';

const LOG_INTERVAL_MS = 10_000;

/** Counts the connections that a port refuses or evicts, and logs at most one of them every 10 s. */
export class RefusedConnections {
  readonly #port: string;
  readonly #log: Log;
  readonly #now: () => number;
  #total = 0;
  #loggedAt = Number.NEGATIVE_INFINITY;

  /** `port` is the name of the port in the log line. `now` is in milliseconds and monotonic. */
  constructor(port: string, log: Log, now: () => number = () => performance.now()) {
    this.#port = port;
    this.#log = log;
    this.#now = now;
  }

  get total(): number {
    return this.#total;
  }

  count(address: string, reason: string): void {
    this.#total++;
    if (this.#now() - this.#loggedAt < LOG_INTERVAL_MS) return;
    this.#loggedAt = this.#now();
    this.#log.warn('network.connection_refused', { address, port: this.#port, reason, refused: this.#total });
  }
}
