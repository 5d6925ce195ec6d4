import type { FinalCause } from '#libs/contract/decision.ts';
import type { GatewayStatus } from '#libs/contract/status.ts';
import { isAmong } from '#libs/dialplan/after-failure.ts';
import type { DialableGroup } from '#libs/dialplan/bridge.ts';
import { gatewayOf } from '#libs/dialplan/dial-string.ts';
import { LruMap } from '#libs/lru/lru-map.ts';
import { aboutCall, type Log } from '#libs/telemetry/log.ts';
import type { LegEvent } from '../call/leg-event.ts';

/** Gateways whose state is known, at most. */
const MAX_GATEWAYS = 10_000;
const MAX_REPORTED = 200;

export interface RestingOptions {
  /** Failures in a row after which a gateway rests; undefined: gateways never rest. */
  readonly after: number | undefined;
  /** How long it rests, ms. */
  readonly forMs: number;
  /** Hangup causes and SIP statuses that are failures of the gateway (RESTING_CAUSES). */
  readonly causes: readonly FinalCause[];
  readonly log: Log;
  readonly onRest?: (node: string) => void;
  /** Epoch ms. */
  readonly now?: () => number;
}

interface GatewayState {
  /** Failures in a row. */
  readonly failures: number;
  /** End of its last rest, epoch ms; 0 before the first. */
  readonly until: number;
}

/**
 * Gateways that rest because they have failed several times in a row: their targets are tried last.
 *
 *     working --> failing --> resting --> on trial --> resting
 *        ^           |                       |
 *        +-----------+-----------------------+
 *
 * - working -> failing: a leg through the gateway has failed with one of `causes`.
 * - failing -> resting: with the failure number `after` in a row.
 * - resting -> on trial: `forMs` have passed. The gateway has its ordinary place again.
 * - on trial -> resting: the next leg fails too.
 * - failing, on trial -> working: a leg was answered, or got another SIP response. An end without a response changes nothing.
 *
 * The state belongs to this agent: a gateway can be out of reach of one node only. Both agents of a node see the same legs.
 * A restart begins with all gateways working.
 */
export class RestingGateways {
  readonly #options: RestingOptions;
  readonly #now: () => number;
  readonly #states = new LruMap<string, GatewayState>(MAX_GATEWAYS);

  constructor(options: RestingOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** Call for every event of a leg. */
  onLegEvent(
    event: Pick<LegEvent, 'kind' | 'call' | 'leg' | 'node' | 'gateway' | 'failure' | 'times'>,
  ): void {
    const { after, forMs, causes, log, onRest } = this.#options;
    const { kind, call, leg, node, gateway, failure, times } = event;
    if (after === undefined || kind !== 'end' || leg === call || gateway === '') return;
    const { cause, sip_status: status } = failure;
    if (times.answered > 0 || !isAmong({ cause, status }, causes)) {
      if (times.answered > 0 || status !== undefined) this.#states.delete(gateway);
      return;
    }
    const failures = (this.#states.get(gateway)?.failures ?? 0) + 1;
    const rests = failures >= after;
    const until = rests ? this.#now() + forMs : 0;
    this.#states.set(gateway, { failures, until });
    if (!rests) return;
    log.warn('gateway.resting', { ...aboutCall(call, node), gateway, failures, cause, status, ms: forMs });
    onRest?.(node);
  }

  isResting(gateway: string): boolean {
    return (this.#states.peek(gateway)?.until ?? 0) > this.#now();
  }

  /** The gateways that have failed last, those with most failures first. */
  status(): GatewayStatus[] {
    return [...this.#states]
      .map(([gateway, { failures, until }]) => ({
        gateway,
        failures,
        ...(until > this.#now() ? { rests_until: new Date(until).toISOString() } : {}),
      }))
      .toSorted((one, other) => other.failures - one.failures)
      .slice(0, MAX_REPORTED);
  }

  /** Moves the groups whose gateways all rest behind the others, and marks the legs through gateways that rest. */
  order(groups: readonly DialableGroup[]): readonly DialableGroup[] {
    if (this.#states.size === 0) return groups;
    const marked = groups.map((group) => ({
      ...group,
      legs: group.legs.map((leg) => (this.#rests(leg.endpoint) ? { ...leg, rested: true } : leg)),
    }));
    const isLast = ({ legs }: DialableGroup) => legs.every(({ rested }) => rested === true);
    return [...marked.filter((group) => !isLast(group)), ...marked.filter(isLast)];
  }

  #rests(endpoint: string): boolean {
    const gateway = gatewayOf(endpoint);
    return gateway !== undefined && this.isResting(gateway);
  }
}
