import type { Log } from '#libs/telemetry/log.ts';

const LOG_EVERY_MS = 10_000;

/** Counts connections that a port does not take or keep, and logs that once in a while, however many they are. */
export class Refusals {
  readonly #port: string;
  readonly #log: Log;
  readonly #now: () => number;
  #total = 0;
  #loggedAt = Number.NEGATIVE_INFINITY;

  constructor(port: string, log: Log, now: () => number = () => performance.now()) {
    this.#port = port;
    this.#log = log;
    this.#now = now;
  }

  get total(): number {
    return this.#total;
  }

  count(address: string, why: string): void {
    this.#total++;
    if (this.#now() - this.#loggedAt < LOG_EVERY_MS) return;
    this.#loggedAt = this.#now();
    this.#log.warn('network.connection_refused', {
      address,
      port: this.#port,
      reason: why,
      refused: this.#total,
    });
  }
}
