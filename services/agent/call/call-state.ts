import type { CallIdentity } from './identity.ts';
import type { LegEvent, Subscriber } from './leg-event.ts';
import type { LegFailure } from './leg-failure.ts';
import type { LegTimes } from './leg-times.ts';

/** A called leg of a call, or a leg that joined it: of a phone that picked it up, or of the target of a transfer. */
export interface Leg extends LegTimes {
  readonly leg: string;
  readonly number: string;
  readonly failure: LegFailure;
  /** Gateway that it was dialled through; '' without one. */
  readonly gateway: string;
  /** Whether that gateway rested. */
  readonly rested: boolean;
  /** Whether it has to accept the call. */
  readonly accepts: boolean;
  /** Whether its party left because it transferred the caller (REFER). */
  readonly leftByRefer: boolean;
  /** When a pickup or a transfer connected it with the caller; 0 for a leg that the call dialled. */
  readonly joined: number;
  /** Whether a called leg dialled it without leaving the caller, to transfer the caller to it (`att_xfer`). */
  readonly consulted: boolean;
  /** When it became the caller leg of a call of its own, because it was transferred; 0 otherwise. */
  readonly left: number;
  /** When a transfer connected it with another party than the caller, or it called one; 0 otherwise. */
  readonly moved: number;
  /** Whether the transfer that removed it is reported. */
  readonly transferReported: boolean;
}

/** Where the caller leg is transferred to. */
export interface TransferTarget {
  readonly kind: 'blind' | 'attended';
  readonly number: string;
  /** Leg and call of the new party, if known. */
  readonly leg?: string | undefined;
  readonly call?: string | undefined;
  /** Epoch ms. */
  readonly at: number;
  /** Whether the called party is known to have requested it. */
  readonly byParty: boolean;
}

/** Where a called leg is transferred to: a number, and the leg or the call that follows there. */
export interface Departure {
  readonly to_number?: string;
  readonly to_leg?: string;
  readonly to_call?: string;
}

/** The state of a call. */
export interface CallState {
  readonly uuid: string;
  readonly node: string;
  readonly identity: CallIdentity;
  /** Epoch ms. */
  readonly started: number;
  readonly subscriber: Subscriber | undefined;
  /** By uuid, in the order of their first events. */
  readonly legs: ReadonlyMap<string, Leg>;
  /** The event of the caller leg's end. */
  readonly end: LegEvent | undefined;
  readonly hangupSent: boolean;
  /** Target of a transfer of the caller leg. Set until the called leg that it leaves is gone. */
  readonly transferTo: TransferTarget | undefined;
  /** Where a called leg went that was transferred, while it is not known whether the caller leg stays. */
  readonly departedTo: Departure | undefined;
  /** By whom a called leg was transferred away from the caller, once that is reported. */
  readonly calledLegTransferred: 'caller' | 'other' | undefined;
  /** The legs that the caller leg was connected with by transfers and pickups before this call began. */
  readonly joinedBefore: readonly string[];
  /** The number that the caller leg dialled, or was last transferred to. */
  readonly dialled: string;
}

/** The state of a new call, from the first event of one of its legs. */
export const firstState = (event: LegEvent, uuid = event.call): CallState => ({
  uuid,
  node: event.node,
  identity: event.identity,
  started: event.started,
  subscriber: event.subscriber,
  legs: new Map(),
  end: undefined,
  hangupSent: false,
  transferTo: undefined,
  departedTo: undefined,
  calledLegTransferred: undefined,
  joinedBefore:
    event.kind === 'entry'
      ? event.transfers.flatMap((entry) => (entry.kind === 'bridge' ? entry.leg : []))
      : [],
  dialled: '',
});

/** The earlier of two times, ignoring 0, which means unknown. Needed because `sofia recover` creates a leg again. */
const first = (a: number, b: number): number => (a === 0 || b === 0 ? a || b : Math.min(a, b));

export function mergeLeg(
  known: Leg | undefined,
  { leg, number, times, failure, gateway, rested, leftByRefer, accepts }: LegEvent,
): Leg {
  return {
    leg,
    // The number changes when the leg enters a dialplan of its own.
    number: known?.number || number,
    failure,
    gateway: gateway || (known?.gateway ?? ''),
    rested,
    accepts: known?.accepts ?? accepts,
    leftByRefer,
    created: first(known?.created ?? 0, times.created),
    invited: first(known?.invited ?? 0, times.invited),
    ring: first(known?.ring ?? 0, times.ring),
    media: first(known?.media ?? 0, times.media),
    answered: first(known?.answered ?? 0, times.answered),
    accepted: first(known?.accepted ?? 0, times.accepted),
    bridged: times.bridged,
    ended: times.ended,
    joined: known?.joined ?? 0,
    consulted: known?.consulted ?? false,
    left: known?.left ?? 0,
    moved: known?.moved ?? 0,
    transferReported: known?.transferReported ?? false,
  };
}

/** Returns the call with one leg added or replaced. */
export const withLeg = (call: CallState, leg: Leg): CallState => ({
  ...call,
  legs: new Map(call.legs).set(leg.leg, leg),
});

/**
 * The called legs that the hangup waits for: all that have not ended, except those still connected with another party
 * after a transfer.
 */
export function awaitedLegs({ legs, end }: CallState): readonly string[] {
  if (end === undefined) return [];
  const stays = end.leftByRefer ? end.bridgedTo : undefined;
  return end.originated
    .map(({ leg }) => leg)
    .filter((uuid) => {
      const leg = legs.get(uuid);
      return uuid !== stays && (leg === undefined || !isGone(leg));
    });
}

/** Whether a called leg has ended or is connected with another party than the caller. */
export const isGone = ({ ended, left, moved }: Leg): boolean => ended > 0 || left > 0 || moved > 0;

/** Whether no further event can change the call. */
export const isOver = ({ hangupSent, legs, end }: CallState): boolean =>
  hangupSent &&
  [...legs.values()].every(({ ended, left }) => ended > 0 || left > 0) &&
  (end === undefined || !end.leftByRefer || end.bridgedTo === '' || legs.has(end.bridgedTo));
