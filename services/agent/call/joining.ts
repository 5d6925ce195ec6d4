import { type CallState, type Leg, withLeg } from './call-state.ts';
import type { LegEvent } from './leg-event.ts';
import { notify } from './notification.ts';
import { chain, type Step, unchanged } from './step.ts';
import { leaverOf, target } from './transfers.ts';

/** A party that an attended transfer or a pickup connects with a leg of the call. */
export interface Joining {
  readonly kind: 'attended' | 'pickup';
  /** The leg that it is connected with: the caller leg, or a called leg that the caller has transferred. */
  readonly remaining: string;
  readonly leg: string;
  readonly number: string;
  /** The call that the party comes from, if known. */
  readonly call: string | undefined;
  readonly time: string;
  readonly at: number;
}

/** A party, and the uuid of the call that it joins. */
export interface JoiningOfCall {
  readonly call: string;
  readonly joining: Joining;
}

/** The number of the event's leg. `uuid_bridge` puts the other party's number into the caller profile of a caller leg. */
function ownNumber(event: LegEvent, kind: Joining['kind']): string {
  const { call, leg, number, phoneNumber, callerNumber, identity } = event;
  if (leg === call) return identity.caller_id_number;
  return kind === 'pickup' && call === '' ? phoneNumber || callerNumber : number;
}

/**
 * Whether a phone picks the caller leg of the event up, where a pickup is reported by the caller leg: from a parking lot
 * (`valet_park` in mod_valet_parking.c), or by `uuid_bridge`.
 */
const isPickedUp = ({ leg, call, otherLeg, transfers }: LegEvent, other: CallState | undefined): boolean => {
  const last = transfers.at(-1);
  return other === undefined && leg === call && last?.kind === 'bridge' && last.leg === otherLeg;
};

/**
 * The end of a consultation by the application `att_xfer`: the party that a called leg has consulted is connected with the
 * caller, or the two called legs with each other.
 */
function joiningsInCall(event: LegEvent, state: CallState): JoiningOfCall[] {
  const { leg, otherLeg, call, time, at } = event;
  const joining = (remaining: string, joined: string): JoiningOfCall[] => {
    const number = state.legs.get(joined)?.number;
    if (number === undefined) return [];
    const joins = { kind: 'attended', remaining, leg: joined, number, call: undefined, time, at } as const;
    return [{ call, joining: joins }];
  };
  if (leg !== call && otherLeg !== call) return [...joining(otherLeg, leg), ...joining(leg, otherLeg)];
  return joining(call, leg === call ? otherLeg : leg);
}

/**
 * The parties that join calls by a transfer or a pickup, from its CHANNEL_BRIDGE event. `other` is the call of the other
 * leg, if the agent knows it.
 *
 * - Attended transfer: the legs of two calls are connected, and each is a new party to the other's call.
 * - Attended transfer by the application `att_xfer`: all legs are of one call.
 * - Pickup: the channel of the event is the phone that picked up, and has no call, or the caller leg; only the call gets
 *   a new party. If an operator connects the legs of two calls (`uuid_bridge`), both get one.
 */
export function joiningsOf(event: LegEvent, other: CallState | undefined): JoiningOfCall[] {
  const { leg, otherLeg, call, transfers, time, at } = event;
  if (transfers.at(-1)?.kind !== 'bridge') return [];
  const kind = transfers.at(-2)?.kind === 'attended' ? 'attended' : 'pickup';
  if (kind === 'pickup' && other !== undefined && other.uuid === call) return joiningsInCall(event, other);
  const pickedUp = kind === 'pickup' && isPickedUp(event, other);
  if (kind === 'pickup' && !pickedUp && other === undefined) return [];
  const dialledNumber = pickedUp ? event.otherPhoneNumber : event.otherNumber;
  const otherNumber = otherLeg === other?.uuid ? other.identity.caller_id_number : dialledNumber;
  const newParty = { leg: otherLeg, number: otherNumber, call: other?.uuid };
  const own =
    call === '' ? [] : [{ call, joining: { kind, remaining: leg, ...newParty, time, at } as const }];
  if (other === undefined || other.uuid === call) return own;
  const here = { leg, number: ownNumber(event, kind), call: call === '' ? undefined : call };
  return [...own, { call: other.uuid, joining: { kind, remaining: otherLeg, ...here, time, at } }];
}

const joinedLeg = ({ leg, number, at }: Joining): Leg => ({
  ...{ leg, number, failure: { cause: '' }, leftByRefer: false, gateway: '', rested: false, accepts: false },
  ...{ created: at, invited: at, ring: 0, media: 0, answered: 0, accepted: 0, bridged: at, ended: 0 },
  ...{ joined: at, consulted: false, left: 0, moved: 0, transferReported: false },
});

/** The leg from which a call was picked up: an answered or a ringing one. */
const pickedOff = (call: CallState): string =>
  leaverOf(call)?.leg ?? [...call.legs.keys()].at(-1) ?? call.end?.originated.at(-1)?.leg ?? call.uuid;

/**
 * Handles a party that joins the call. A leg of the call itself was consulted before, was only recovered by `sofia recover`,
 * or is connected again after a consultation.
 */
export function join(call: CallState, joining: Joining): Step {
  const known = call.legs.get(joining.leg);
  if (joining.remaining !== call.uuid) return keepCalledLeg(call, joining);
  if (known === undefined) return onJoined(withLeg(call, joinedLeg(joining)), joining, call);
  if (!known.consulted || known.joined > 0) return unchanged(call);
  const joined = withLeg(call, { ...known, joined: joining.at });
  return onJoined(joined, { ...joining, kind: 'attended', number: known.number }, call);
}

/** `call`: the state before the party joined. */
function onJoined(joined: CallState, joining: Joining, call: CallState): Step {
  const { leg, number, kind, time } = joining;
  if (kind === 'pickup') {
    const left = { leg: pickedOff(call), kind, by: 'other' } as const;
    const picked = { action: 'transfer', ...left, ...target(joining) } as const;
    const answer = notify(joined, time, { action: 'answer', leg, called_number: number });
    const leaver = leaverOf(call);
    const after = leaver === undefined ? joined : withLeg(joined, { ...leaver, transferReported: true });
    return { call: after, notifications: [...answer, ...notify(joined, time, picked)] };
  }
  const leaver = leaverOf(call);
  if (leaver === undefined) return unchanged(joined);
  const fields = { action: 'transfer', leg: leaver.leg, kind, by: 'callee', ...target(joining) } as const;
  return {
    call: withLeg(joined, { ...leaver, transferReported: true }),
    notifications: notify(joined, time, fields),
  };
}

/**
 * Handles an attended transfer by the caller: a called leg is connected with another party and the caller leaves. Or a phone
 * takes the place of the caller (INVITE with Replaces of the caller's dialog).
 */
function keepCalledLeg(call: CallState, joining: Joining): Step {
  const { remaining, kind, time, at } = joining;
  const leg = call.legs.get(remaining);
  const kept = leg === undefined ? call : withLeg(call, { ...leg, moved: leg.moved || at });
  const isLeft = kind === 'pickup' && call.end?.leftByRefer === true;
  if (isLeft || call.calledLegTransferred !== undefined) return unchanged(kept);
  const by = kind === 'pickup' ? 'other' : 'caller';
  const fields = { action: 'transfer', leg: call.uuid, kind, by, ...target(joining) } as const;
  return { call: { ...kept, calledLegTransferred: by }, notifications: notify(kept, time, fields) };
}

/** The parties that joined `remaining` without a CHANNEL_BRIDGE event, from a later event of that leg. */
function lateJoinings(event: LegEvent, at: number): Joining[] {
  const { leg: remaining, transfers, callerNumber, otherNumber, otherLeg, otherPhoneNumber } = event;
  const time = new Date(at).toISOString();
  const phoneAt = (leg: string) => (leg === otherLeg && otherPhoneNumber) || callerNumber;
  return transfers.flatMap((entry, index): Joining[] => {
    if (entry.kind !== 'bridge') return [];
    const before = transfers[index - 1];
    const joining = { remaining, leg: entry.leg, time, at };
    return before?.kind === 'attended'
      ? [
          {
            ...{ kind: 'attended', ...joining },
            ...{ number: before.number || otherNumber, call: before.call || undefined },
          },
        ]
      : [{ kind: 'pickup', ...joining, number: phoneAt(entry.leg), call: undefined }];
  });
}

const joinAll = (call: CallState, joinings: readonly Joining[]): Step =>
  joinings
    .filter(({ leg }) => !call.joinedBefore.includes(leg))
    .reduce((step, joining) => chain(step, (state) => join(state, joining)), unchanged(call));

/** Handles the end of the caller leg. */
export const onJoinedCallerEnd = (call: CallState, end: LegEvent): Step =>
  end.recovered || end.times.bridged === 0
    ? unchanged(call)
    : joinAll(call, lateJoinings(end, end.times.bridged));

/** Handles the end of a called leg: it shows an attended transfer by the caller. */
export const onKeptLegEnd = (call: CallState, event: LegEvent): Step =>
  joinAll(
    call,
    lateJoinings(event, event.at).filter(({ kind }) => kind === 'attended'),
  );
