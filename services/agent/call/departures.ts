import type { CallState, Departure } from './call-state.ts';
import type { LegEvent } from './leg-event.ts';
import { notify } from './notification.ts';
import { type Step, unchanged } from './step.ts';
import { isByParty } from './transfer-history.ts';

/**
 * Transfers of a called leg: it leaves the caller and goes to a number. The caller requests them (REFER), or an operator,
 * who can transfer both legs: whether the caller leg has left the call is then known only when it ends or is transferred.
 */

/** Reports that the caller leg has left the call because a called leg was transferred. */
function reportDeparture(call: CallState, time: string, to: Departure, by: 'caller' | 'other'): Step {
  const fields = { action: 'transfer', leg: call.uuid, kind: 'blind', by, ...to } as const;
  return {
    call: { ...call, calledLegTransferred: by, departedTo: undefined },
    notifications: notify(call, time, fields),
  };
}

/** Handles a transfer of the called leg `leg`. */
function depart(call: CallState, leg: string, time: string, to: Departure, isByCaller = false): Step {
  const isReported = call.calledLegTransferred !== undefined || call.legs.get(leg)?.transferReported === true;
  if (isReported) return unchanged(call);
  if (isByCaller) return reportDeparture(call, time, to, 'caller');
  if (call.end === undefined) return unchanged({ ...call, departedTo: to });
  return reportDeparture(call, time, to, call.end.leftByRefer ? 'caller' : 'other');
}

/** Handles the end of the caller leg. */
export function onDepartedCallerEnd(call: CallState, end: LegEvent): Step {
  const { departedTo: to } = call;
  if (to === undefined) return unchanged(call);
  return reportDeparture(call, end.time, to, end.leftByRefer ? 'caller' : 'other');
}

/** Handles a called leg that has entered `socket`: it becomes the caller leg of the call `toCall`. */
export const onCalledLegEntry = (call: CallState, event: LegEvent, toCall: string): Step =>
  depart(
    call,
    event.leg,
    event.time,
    { to_number: event.number, to_call: toCall },
    isByParty(event.transfers),
  );

/** Handles the first event of a leg that the called leg `otherLeg` dials. */
export const onCalledLegDials = (call: CallState, { otherLeg, otherNumber, leg, time }: LegEvent): Step =>
  depart(call, otherLeg, time, { to_number: otherNumber, to_leg: leg });

/** Handles the end of a called leg: it shows a transfer to an extension that has called no other party. */
export function onDepartedLegEnd(call: CallState, { leg, time, transfers }: LegEvent): Step {
  const last = transfers.findLast(({ kind }) => kind === 'blind');
  if (last?.kind !== 'blind') return unchanged(call);
  return depart(call, leg, time, { to_number: last.number }, last.byParty);
}
