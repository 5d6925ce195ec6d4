import { Networks } from '#libs/net/networks.ts';
import type { Log } from '#libs/telemetry/log.ts';
import { RefusedConnections } from '#libs/telemetry/refused-connections.ts';

/**
 * Accepts connections of the socket application only from SOCKET_ALLOWED_NETWORKS. A peer that can connect can pose as
 * FreeSWITCH, make the routers request any URL that their address rules allow, and read the decision.
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
    this.refuse(address, 'not in SOCKET_ALLOWED_NETWORKS');
    return false;
  }

  /** Counts a connection that was refused or closed for another reason. */
  refuse(address: string, reason: string): void {
    this.#refused.count(address, reason);
  }
}
