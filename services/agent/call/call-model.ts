import { awaitedLegs, type CallState, firstState, type Leg, mergeLeg, withLeg } from './call-state.ts';
import type { LegEvent } from './leg-event.ts';
import { hangup, legEnd, notify } from './notification.ts';
import { chain, type Step, unchanged } from './step.ts';
import { wasConnected } from './talk-time.ts';
import {
  type Joining,
  join,
  reportCallerTransfer,
  reportLateJoins,
  reportTransferTo,
  reportWaitingTransfer,
} from './transfers.ts';

export type { Step } from './step.ts';

/**
 * The model of a call: what an event of one of its legs changes, and which notifications it causes.
 *
 *     live ---> ending ---> ended
 *
 * - live: the caller leg is up. Events of called legs cause ring, progress, answer and leg_end.
 * - ending: the caller leg has ended (CHANNEL_HANGUP_COMPLETE). FreeSWITCH reports the legs of a call in any order, so the
 *   hangup waits for the called legs that have not ended (`awaitedLegs`), and at most LEG_END_WAIT_MS: `endWait`.
 * - ended: the hangup is published. After a transfer by the caller a called leg can still be connected; its leg_end
 *   follows later.
 *
 * A transfer is reported when both the leg that leaves and the target of the other leg are known. The events for them
 * can arrive in either order (transfers.ts).
 *
 * All functions are pure. A crash loses the state. The next event of each leg restores it, because events carry times,
 * identity and endpoint of the call. Details of legs that had ended are lost; notifications are not.
 */
export function onLegEvent(known: CallState | undefined, event: LegEvent): Step {
  const call = subscribed(known ?? firstState(event), event);
  if (event.leg === call.uuid) return onCallerLeg(call, event);
  return onCalledLeg(call, event);
}

const subscribed = (call: CallState, { subscriber, started }: LegEvent): CallState => ({
  ...call,
  subscriber: subscriber ?? call.subscriber,
  started: call.started || started,
});

function onCallerLeg(call: CallState, event: LegEvent): Step {
  if (event.kind !== 'end' || call.hangupSent) return unchanged(call);
  const ending = { ...call, end: event };
  const reported = chain(unchanged(ending), (state) => reportLateJoins(state, event));
  const transferred = chain(reported, (state) => reportWaitingTransfer(state, event));
  return chain(transferred, hangupIfComplete);
}

const ACTIONS = { ring: 'ring', media: 'progress', answer: 'answer' } as const;

function onCalledLeg(known: CallState, event: LegEvent): Step {
  const transferred = reportTransferTo(known, event);
  const leg = mergeLeg(known.legs.get(event.leg), event);
  const call = withLeg(transferred.call, leg);
  const before = { call, notifications: transferred.notifications };
  if (event.kind === 'end') return chain(before, (state) => onCalledLegEnd(state, leg, event));
  if (event.kind !== 'ring' && event.kind !== 'media' && event.kind !== 'answer') return before;
  // Only leg_end and transfer can come after the hangup.
  if (call.end !== undefined) return before;
  const fields = { action: ACTIONS[event.kind], leg: leg.leg, called_number: leg.number };
  return chain(before, (state) => ({ call: state, notifications: notify(state, event.time, fields) }));
}

function onCalledLegEnd(call: CallState, leg: Leg, event: LegEvent): Step {
  const ended = { call, notifications: legEnd(call, leg, event.time) };
  const byCaller = chain(ended, (state) => reportCallerTransfer(state, event));
  const byCallee = chain(byCaller, (state) =>
    wasConnected(leg) && state.transferTo !== undefined
      ? reportWaitingTransfer(state, event)
      : unchanged(state),
  );
  return chain(byCallee, hangupIfComplete);
}

/** Handles the end of a leg that joined the call: of a phone that picked it up, or of another call. */
export function onJoinedLegEnd(call: CallState, event: LegEvent): Step {
  const known = call.legs.get(event.leg);
  if (event.kind !== 'end' || known === undefined) return unchanged(call);
  const leg = mergeLeg(known, event);
  const ended = withLeg(call, leg);
  return { call: ended, notifications: event.call === '' ? legEnd(ended, leg, event.time) : [] };
}

/** Handles an entry of the channel into `socket`. `to` is the number that it was transferred to. */
export function onEntry(known: CallState | undefined, event: LegEvent, to: string | undefined): Step {
  const call = { ...subscribed(known ?? firstState(event, event.leg), event), dialled: event.number };
  if (to === undefined) return unchanged(call);
  return reportWaitingTransfer({ ...call, transferTo: to }, event);
}

/** Handles a called leg that becomes the caller leg of a new call, because the caller transferred it to Dialhook. */
export function onLegLeft(known: CallState | undefined, event: LegEvent): Step {
  const before = known ?? firstState(event);
  const at = before.end?.times.ended || event.at;
  const merged = mergeLeg(before.legs.get(event.leg), event);
  const leg = { ...merged, left: at, failure: { cause: 'BLIND_TRANSFER' } };
  const call = withLeg(before, leg);
  const reported = reportCallerTransfer(call, event, event.leg);
  const left = {
    call: reported.call,
    notifications: [...legEnd(call, leg, event.time), ...reported.notifications],
  };
  return chain(left, hangupIfComplete);
}

/** Publishes the hangup that waits for called legs, after LEG_END_WAIT_MS. */
export function endWait(call: CallState): Step {
  if (call.end === undefined || call.hangupSent) return unchanged(call);
  return { call: { ...call, hangupSent: true }, notifications: hangup(call, call.end) };
}

export const isWaiting = ({ end, hangupSent }: CallState): boolean => end !== undefined && !hangupSent;

const hangupIfComplete = (call: CallState): Step =>
  awaitedLegs(call).length === 0 ? endWait(call) : unchanged(call);

/** Handles a party that joins the call by a pickup or an attended transfer. */
export const onJoin = (call: CallState, joining: Joining): Step =>
  chain(join(call, joining), hangupIfComplete);
