import type { CallState } from './call-state.ts';
import type { LegEvent } from './leg-event.ts';
import type { Joining } from './transfers.ts';

/** A party, and the uuid of the call that it joins. */
export interface JoiningOfCall {
  readonly call: string;
  readonly joining: Joining;
}

/**
 * The parties that join calls by a transfer or a pickup, from its CHANNEL_BRIDGE event. `other` is the call of the other
 * leg, if the agent knows it.
 *
 * - Attended transfer: the legs of two calls are connected, and each is a new party to the other's call.
 * - Pickup: the channel of the event is the phone that picked up; only the call of the other leg gets a new party.
 */
export function joiningsOf(event: LegEvent, other: CallState | undefined): JoiningOfCall[] {
  const { leg, otherLeg, call, transfers, time, at } = event;
  if (transfers.at(-1)?.kind !== 'bridge') return [];
  const kind = transfers.at(-2)?.kind === 'attended' ? 'attended' : 'pickup';
  if (kind === 'pickup') {
    if (other === undefined || other.uuid === call) return [];
    const picker = { leg, number: event.callerNumber, call: undefined };
    return [{ call: other.uuid, joining: { kind, remaining: otherLeg, ...picker, time, at } }];
  }
  const otherNumber = otherLeg === other?.uuid ? other.identity.caller_id_number : event.otherNumber;
  const newParty = { leg: otherLeg, number: otherNumber, call: other?.uuid };
  const own =
    call === '' ? [] : [{ call, joining: { kind, remaining: leg, ...newParty, time, at } as const }];
  if (other === undefined || other.uuid === call) return own;
  const number = leg === call ? event.identity.caller_id_number : event.number;
  const here = { leg, number, call: call === '' ? undefined : call };
  return [...own, { call: other.uuid, joining: { kind, remaining: otherLeg, ...here, time, at } }];
}
