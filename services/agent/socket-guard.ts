import { Networks } from '#libs/net/networks.ts';
import { Refusals } from '#libs/net/refusals.ts';
import type { Log } from '#libs/telemetry/log.ts';

/**
 * Says from where connections of the socket application are taken: who can connect can play FreeSWITCH, have any URL
 * asked and read what it answers.
 */
export class SocketGuard {
  readonly #allowed: Networks;
  readonly #refusals: Refusals;

  constructor(networks: readonly string[], log: Log, now?: () => number) {
    this.#allowed = new Networks(networks);
    this.#refusals = new Refusals('the socket port', log, now);
  }

  get refused(): number {
    return this.#refusals.total;
  }

  admits(address: string): boolean {
    if (this.#allowed.has(address)) return true;
    this.refuse(address, 'it is from outside SOCKET_ALLOWED_NETWORKS');
    return false;
  }

  /** Counts a connection that is not taken or not kept for another reason. */
  refuse(address: string, why: string): void {
    this.#refusals.count(address, why);
  }
}
