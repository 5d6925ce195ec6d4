import { Networks } from '#libs/net/networks.ts';
import type { Log } from '#libs/telemetry/log.ts';

const LOG_EVERY_MS = 10_000;

/**
 * Says from where connections of the socket application are taken: who can connect can play FreeSWITCH, have any URL
 * asked and read what it answers. Refusals are counted, and logged once in a while however many there are.
 */
export class SocketGuard {
  readonly #allowed: Networks;
  readonly #log: Log;
  readonly #now: () => number;
  #refused = 0;
  #loggedAt = Number.NEGATIVE_INFINITY;

  constructor(networks: readonly string[], log: Log, now: () => number = () => performance.now()) {
    this.#allowed = new Networks(networks);
    this.#log = log;
    this.#now = now;
  }

  get refused(): number {
    return this.#refused;
  }

  admits(address: string): boolean {
    if (this.#allowed.has(address)) return true;
    this.#refused++;
    if (this.#now() - this.#loggedAt < LOG_EVERY_MS) return false;
    this.#loggedAt = this.#now();
    this.#log.warn(
      { address, refused: this.#refused },
      'refused a connection to the socket port: it is from outside SOCKET_ALLOWED_NETWORKS',
    );
    return false;
  }
}
