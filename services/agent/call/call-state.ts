import type { CallIdentity } from './identity.ts';
import type { LegEvent, LegTimes, Subscriber } from './leg-event.ts';
import type { LegFailure } from './leg-failure.ts';

/** A called leg of a call, or a leg that joined it: of a phone that picked it up, or of the target of a transfer. */
export interface Leg extends LegTimes {
  readonly leg: string;
  readonly number: string;
  readonly failure: LegFailure;
  readonly disposition: string;
  /** When a pickup or a transfer connected it with the caller; 0 for a leg that the call dialled. */
  readonly joined: number;
  /** When it became the caller leg of a call of its own, because the caller transferred it; 0 otherwise. */
  readonly left: number;
  /** Whether it is still connected after an attended transfer by the caller. */
  readonly stays: boolean;
  /** Whether the transfer that removed it is reported. */
  readonly transferReported: boolean;
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
  /** Whether the transfer by the caller is reported. */
  readonly callerTransferReported: boolean;
  /** Target of a blind transfer of the caller leg. Set until the called leg that it leaves has ended. */
  readonly transferTo: string | undefined;
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
  callerTransferReported: false,
  transferTo: undefined,
  dialled: '',
});

/** The earlier of two times, ignoring 0, which means unknown. Needed because `sofia recover` creates a leg again. */
const first = (a: number, b: number): number => (a === 0 || b === 0 ? a || b : Math.min(a, b));

export function mergeLeg(
  known: Leg | undefined,
  { leg, number, times, failure, disposition }: LegEvent,
): Leg {
  return {
    leg,
    // The number changes when the leg enters a dialplan of its own.
    number: known?.number || number,
    failure,
    disposition,
    created: first(known?.created ?? 0, times.created),
    ring: first(known?.ring ?? 0, times.ring),
    media: first(known?.media ?? 0, times.media),
    answered: first(known?.answered ?? 0, times.answered),
    bridged: times.bridged,
    ended: times.ended,
    joined: known?.joined ?? 0,
    left: known?.left ?? 0,
    stays: known?.stays ?? false,
    transferReported: known?.transferReported ?? false,
  };
}

/** Returns the call with one leg added or replaced. */
export const withLeg = (call: CallState, leg: Leg): CallState => ({
  ...call,
  legs: new Map(call.legs).set(leg.leg, leg),
});

/** Dispositions of a caller leg that has transferred the called party. */
export const KEEPS_PARTY: ReadonlySet<string> = new Set(['BLIND_TRANSFER', 'ATTENDED_TRANSFER']);

/**
 * The called legs that the hangup waits for: all that have not ended, except those still connected after a transfer by
 * the caller.
 */
export function awaitedLegs({ legs, end }: CallState): readonly string[] {
  if (end === undefined) return [];
  const stays = KEEPS_PARTY.has(end.disposition) ? end.bridgedTo : undefined;
  return end.originated
    .map(({ leg }) => leg)
    .filter((uuid) => {
      const leg = legs.get(uuid);
      return uuid !== stays && (leg === undefined || (leg.ended === 0 && leg.left === 0 && !leg.stays));
    });
}

/** Whether no further event can change the call. */
export const isOver = ({ hangupSent, legs, end }: CallState): boolean =>
  hangupSent &&
  [...legs.values()].every(({ ended, left }) => ended > 0 || left > 0) &&
  (end === undefined || !KEEPS_PARTY.has(end.disposition) || legs.has(end.bridgedTo));
