import { Networks } from '#libs/net/networks.ts';
import type { Log } from '#libs/telemetry/log.ts';
import { RefusedConnections } from '#libs/telemetry/refused-connections.ts';

/**
 * Says from where connections of the socket application are taken: who can connect can play FreeSWITCH, have any URL
 * asked and read what it answers.
 */
export class SocketGuard {
  readonly #allowed: Networks;
  readonly #refused: RefusedConnections;

  constructor(networks: readonly string[], log: Log, now?: () => number) {
    this.#allowed = new Networks(networks);
    this.#refused = new RefusedConnections('the socket port', log, now);
  }

  get refused(): number {
    return this.#refused.total;
  }

  admits(address: string): boolean {
    if (this.#allowed.has(address)) return true;
    this.refuse(address, 'it is from outside SOCKET_ALLOWED_NETWORKS');
    return false;
  }

  /** Counts a connection that is not taken or not kept for another reason. */
  refuse(address: string, why: string): void {
    this.#refused.count(address, why);
  }
}
