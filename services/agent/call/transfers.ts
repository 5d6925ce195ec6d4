import { type CallState, isGone, type Leg, type TransferTarget, withLeg } from './call-state.ts';
import type { LegEvent } from './leg-event.ts';
import { notify } from './notification.ts';
import { type Step, unchanged } from './step.ts';
import { wasConnected } from './talk-time.ts';

/**
 * Transfers of the caller leg: a called leg leaves it, and it goes to a number or to another party. Transfers of a called
 * leg, which leaves the caller, are in departures.ts.
 */

/** The leg that leaves the caller leg, or has left it without a reported transfer. */
export const leaverOf = (call: CallState): Leg | undefined =>
  [...call.legs.values()].find((leg) => wasConnected(leg) && !leg.transferReported);

/** Fields of a transfer notification that name the new party. */
export const target = ({ number, leg, call }: Pick<TransferTarget, 'number' | 'leg' | 'call'>) => ({
  ...(number === '' ? {} : { to_number: number }),
  ...(leg === undefined ? {} : { to_leg: leg }),
  ...(call === undefined ? {} : { to_call: call }),
});

/** Reports the transfer to `transferTo` once the called leg that the caller leg leaves is gone. */
export function reportTransfer(call: CallState, time: string): Step {
  const { transferTo: to } = call;
  const leaver = leaverOf(call);
  if (to === undefined || leaver === undefined || !isGone(leaver) || leaver.created > to.at)
    return unchanged(call);
  const by = to.byParty || leaver.leftByRefer ? 'callee' : 'other';
  const fields = { action: 'transfer', leg: leaver.leg, kind: to.kind, by, ...target(to) } as const;
  const after = { ...call, transferTo: undefined, departedTo: undefined };
  return {
    call: withLeg(after, { ...leaver, transferReported: true }),
    notifications: notify(call, time, fields),
  };
}

/** Handles an entry of the caller leg into `socket` after a transfer. */
export function onTransferredEntry(call: CallState, { number, at, time, transfers }: LegEvent): Step {
  const last = transfers.at(-1);
  const to: TransferTarget =
    last?.kind === 'attended'
      ? { kind: 'attended', number, call: last.call, at, byParty: true }
      : { kind: 'blind', number, at, byParty: last?.kind === 'blind' && last.byParty };
  return reportTransfer({ ...call, transferTo: to }, time);
}

/** Handles the first event of a leg that the caller leg dials: it shows a transfer to an extension without Dialhook. */
export function onCallerLegDials(call: CallState, event: LegEvent): Step {
  const { otherNumber: number, leg, at, time } = event;
  const dialled = { ...call, dialled: number };
  const leaver = leaverOf(call);
  const isOtherNumber = call.dialled !== '' && call.dialled !== number;
  if (leaver === undefined || !(isOtherNumber || (isGone(leaver) && leaver.leftByRefer)))
    return unchanged(dialled);
  return reportTransfer({ ...dialled, transferTo: { kind: 'blind', number, leg, at, byParty: false } }, time);
}

/** Handles the end of the caller leg: it shows a transfer to an extension that has called no other party. */
export function onTransferredCallerEnd(call: CallState, end: LegEvent): Step {
  const last = end.transfers.at(-1);
  const leaver = leaverOf(call);
  if (call.transferTo !== undefined || leaver === undefined || last === undefined || last.kind === 'bridge')
    return reportTransfer(call, end.time);
  if (last.kind === 'attended') {
    const to = { kind: 'attended', number: last.number, call: last.call || undefined } as const;
    return reportTransfer({ ...call, transferTo: { ...to, at: end.at, byParty: true } }, end.time);
  }
  // `transfer_history` has whole seconds: a leg created in the same second may have been dialled afterwards.
  if (!leaver.leftByRefer && leaver.created >= last.at * 1000) return unchanged(call);
  const to = { kind: 'blind', number: last.number, at: end.at, byParty: last.byParty } as const;
  return reportTransfer({ ...call, transferTo: to }, end.time);
}
