import { type CallState, type Leg, withLeg } from './call-state.ts';
import type { LegEvent } from './leg-event.ts';
import { notify } from './notification.ts';
import { chain, type Step, unchanged } from './step.ts';
import { wasConnected } from './talk-time.ts';

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

const target = ({ number, leg, call }: Pick<Joining, 'number' | 'leg' | 'call'>) => ({
  ...(number === '' ? {} : { to_number: number }),
  to_leg: leg,
  ...(call === undefined ? {} : { to_call: call }),
});

const joinedLeg = ({ leg, number, at }: Joining): Leg => ({
  ...{ leg, number, failure: { cause: '' }, disposition: '' },
  ...{ created: at, ring: 0, media: 0, answered: 0, bridged: at, ended: 0, joined: at, left: 0 },
  ...{ stays: false, transferReported: false },
});

/** The leg that leaves or has left the caller without a reported transfer. */
const leaverOf = (call: CallState, except?: string): Leg | undefined =>
  [...call.legs.values()].find((leg) => wasConnected(leg) && !leg.transferReported && leg.leg !== except);

const endedLeaverOf = (call: CallState): Leg | undefined => {
  const leaver = leaverOf(call);
  return leaver !== undefined && leaver.ended > 0 ? leaver : undefined;
};

/** The leg from which a call was picked up: an answered or a ringing one. */
const pickedOff = (call: CallState): string =>
  leaverOf(call)?.leg ?? [...call.legs.keys()].at(-1) ?? call.end?.originated.at(-1)?.leg ?? call.uuid;

/** Handles a party that joins the call. A leg of the call itself was only recovered by `sofia recover`. */
export function join(call: CallState, joining: Joining): Step {
  const { remaining, leg, number, kind, time } = joining;
  if (remaining !== call.uuid) return keepCalledLeg(call, joining);
  if (call.legs.has(leg)) return unchanged(call);
  const joined = withLeg(call, joinedLeg(joining));
  if (kind === 'pickup') {
    const picked = {
      action: 'transfer',
      leg: pickedOff(call),
      kind,
      by: 'other',
      ...target(joining),
    } as const;
    const answer = notify(joined, time, { action: 'answer', leg, called_number: number });
    return { call: joined, notifications: [...answer, ...notify(joined, time, picked)] };
  }
  const leaver = leaverOf(call);
  if (leaver === undefined) return unchanged(joined);
  const fields = { action: 'transfer', leg: leaver.leg, kind, by: 'callee', ...target(joining) } as const;
  return {
    call: withLeg(joined, { ...leaver, transferReported: true }),
    notifications: notify(joined, time, fields),
  };
}

/** Handles an attended transfer by the caller: a called leg is connected with another party and the caller leaves. */
function keepCalledLeg(call: CallState, joining: Joining): Step {
  const leg = call.legs.get(joining.remaining);
  const kept = leg === undefined ? call : withLeg(call, { ...leg, stays: true });
  if (joining.kind === 'pickup' || call.callerTransferReported) return unchanged(kept);
  const fields = {
    action: 'transfer',
    leg: call.uuid,
    kind: 'attended',
    by: 'caller',
    ...target(joining),
  } as const;
  return {
    call: { ...kept, callerTransferReported: true },
    notifications: notify(kept, joining.time, fields),
  };
}

/** Parties that joined without an event known to the agent. The caller leg names them when it ends. */
export function reportLateJoins(call: CallState, end: LegEvent): Step {
  if (end.recovered || end.times.bridged === 0) return unchanged(call);
  const joinings = end.transfers.flatMap((entry, index): Joining[] => {
    if (entry.kind !== 'bridge') return [];
    const kind = end.transfers[index - 1]?.kind === 'attended' ? 'attended' : 'pickup';
    const number = kind === 'pickup' ? end.callerNumber : end.otherNumber;
    const time = new Date(end.times.bridged).toISOString();
    return [
      { kind, remaining: call.uuid, leg: entry.leg, number, call: undefined, time, at: end.times.bridged },
    ];
  });
  return joinings.reduce((step, joining) => chain(step, (state) => join(state, joining)), unchanged(call));
}

/** Reports that `leaver` transferred the caller to the number `to`. */
function reportLeaver(call: CallState, leaver: Leg, event: LegEvent, to: string, toLeg?: string): Step {
  const by = leaver.disposition === 'BLIND_TRANSFER' ? 'callee' : 'other';
  const call_ = withLeg({ ...call, transferTo: undefined }, { ...leaver, transferReported: true });
  return {
    call: call_,
    notifications: notify(call, event.time, {
      action: 'transfer',
      leg: leaver.leg,
      kind: 'blind',
      by,
      ...(to === '' ? {} : { to_number: to }),
      ...(toLeg === undefined ? {} : { to_leg: toLeg }),
    }),
  };
}

const lastBlind = ({ transfers }: LegEvent): string | undefined =>
  transfers.flatMap((entry) => (entry.kind === 'blind' ? [entry.to] : [])).at(-1);

/** Reports a blind transfer of the caller leg whose target is known, once the leg that it leaves has ended. */
export function reportWaitingTransfer(call: CallState, event: LegEvent): Step {
  const leaver = endedLeaverOf(call);
  if (leaver === undefined) return unchanged(call);
  const isTransfer = leaver.disposition === 'BLIND_TRANSFER';
  const to = call.transferTo ?? (isTransfer && event.kind === 'end' ? lastBlind(event) : undefined);
  return to === undefined ? unchanged(call) : reportLeaver(call, leaver, event, to);
}

/** Reports a blind transfer whose target is known by the first event of a new called leg. */
export function reportTransferTo(call: CallState, event: LegEvent): Step {
  if (call.legs.has(event.leg)) return unchanged(call);
  if (event.otherLeg !== call.uuid) return reportNewPartyOfStayingLeg(call, event);
  const leaver = endedLeaverOf(call);
  const isOtherNumber = call.dialled !== '' && call.dialled !== event.otherNumber;
  const dialled = { ...call, dialled: event.otherNumber };
  if (leaver === undefined || call.transferTo !== undefined) return unchanged(dialled);
  if (leaver.disposition !== 'BLIND_TRANSFER' && !isOtherNumber) return unchanged(dialled);
  return reportLeaver(dialled, leaver, event, event.otherNumber, event.leg);
}

function reportNewPartyOfStayingLeg(call: CallState, event: LegEvent): Step {
  const { end, callerTransferReported } = call;
  const isStaying = end?.disposition === 'BLIND_TRANSFER' && end.bridgedTo === event.otherLeg;
  if (!isStaying || callerTransferReported) return unchanged(call);
  return blindByCaller(call, event, { to_number: event.otherNumber, to_leg: event.leg });
}

const blindByCaller = (
  call: CallState,
  event: LegEvent,
  to: { to_number?: string; to_leg?: string; to_call?: string },
): Step => ({
  call: { ...call, callerTransferReported: true },
  notifications: notify(call, event.time, {
    ...{ action: 'transfer', leg: call.uuid, kind: 'blind', by: 'caller' },
    ...to,
  }),
});

/**
 * Reports a transfer by the caller, from an event of the called leg that stays: its entry into Dialhook as the call
 * `toCall`, or its end.
 */
export function reportCallerTransfer(call: CallState, event: LegEvent, toCall?: string): Step {
  if (call.callerTransferReported) return unchanged(call);
  if (toCall !== undefined) return blindByCaller(call, event, { to_number: event.number, to_call: toCall });
  const to = lastBlind(event);
  if (to !== undefined) return blindByCaller(call, event, { to_number: to });
  const bridge = event.transfers.find((entry) => entry.kind === 'bridge');
  if (bridge === undefined || !event.transfers.some(({ kind }) => kind === 'attended'))
    return unchanged(call);
  const { time, at, otherNumber: number } = event;
  return keepCalledLeg(call, {
    ...{ kind: 'attended', remaining: event.leg, leg: bridge.leg, number, call: undefined, time, at },
  });
}
