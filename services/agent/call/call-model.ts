import { awaitedLegs, type CallState, firstState, type Leg, mergeLeg, withLeg } from './call-state.ts';
import { onCalledLegDials, onCalledLegEntry, onDepartedCallerEnd, onDepartedLegEnd } from './departures.ts';
import { type Joining, join, onJoinedCallerEnd, onKeptLegEnd } from './joining.ts';
import type { LegEvent } from './leg-event.ts';
import { hangup, legEnd, notify } from './notification.ts';
import { chain, type Step, unchanged } from './step.ts';
import { onCallerLegDials, onTransferredCallerEnd, onTransferredEntry, reportTransfer } from './transfers.ts';

export type { Step } from './step.ts';

/**
 * The model of a call: what an event of one of its legs changes, and which notifications it causes.
 *
 *     live ---> ending ---> ended
 *
 * - live: the caller leg is up. Events of called legs cause ring, progress, answer, recording and leg_end.
 * - ending: the caller leg has ended (CHANNEL_HANGUP_COMPLETE). FreeSWITCH reports the legs of a call in any order, so the
 *   hangup waits for the called legs that have not ended (`awaitedLegs`), and at most LEG_END_WAIT_MS: `endWait`.
 * - ended: the hangup is published. A called leg that was transferred can still be connected; its recording and leg_end
 *   follow later.
 *
 * Transfers differ by the leg that goes elsewhere: the caller leg (transfers.ts), a called leg (departures.ts), or
 * one that is connected with a party of another call or with a phone that picks up (joining.ts). Each is reported when
 * both the leg that leaves and its target are known; the events for them can arrive in either order.
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

/** Applies handlers one after the other, each to the call that the one before returns. */
const inTurn = (call: CallState, ...handlers: readonly ((call: CallState) => Step)[]): Step =>
  handlers.reduce(chain, unchanged(call));

function onCallerLeg(call: CallState, event: LegEvent): Step {
  if (event.kind !== 'end' || call.hangupSent) return unchanged(call);
  return inTurn(
    { ...call, end: event },
    (state) => onJoinedCallerEnd(state, event),
    (state) => onTransferredCallerEnd(state, event),
    (state) => onDepartedCallerEnd(state, event),
    hangupIfComplete,
  );
}

const ACTIONS = { ring: 'ring', media: 'progress' } as const;

/** Whether the event shows first that the leg can talk: by its answer, or when it has accepted the call. */
const isFirstTalk = (known: Leg | undefined, leg: Leg, { kind }: LegEvent): boolean =>
  leg.accepts
    ? leg.accepted > 0 && (known === undefined ? kind === 'accept' : known.accepted === 0)
    : kind === 'answer';

/** The notification that an event of a called leg causes by itself. */
function progressOf(known: Leg | undefined, leg: Leg, event: LegEvent) {
  const about = { leg: leg.leg, called_number: leg.number };
  if (isFirstTalk(known, leg, event)) {
    const time = leg.accepts ? new Date(leg.accepted).toISOString() : event.time;
    return { time, fields: { action: 'answer', ...about } } as const;
  }
  const { kind, time } = event;
  if (kind !== 'ring' && kind !== 'media') return undefined;
  return { time, fields: { action: ACTIONS[kind], ...about } } as const;
}

/**
 * Only recording, leg_end and transfer can come after the hangup. After the end of the caller leg only an acceptance is
 * news: it may be known from a later event of the called leg.
 */
const isNotified = ({ end, hangupSent }: CallState, leg: Leg, action: string): boolean =>
  !hangupSent && (end === undefined || (leg.accepts && action === 'answer'));

function onCalledLeg(known: CallState, event: LegEvent): Step {
  const knownLeg = known.legs.get(event.leg);
  const consulted = knownLeg?.consulted ?? isConsultation(known, event);
  const leg = { ...mergeLeg(knownLeg, event), consulted };
  const dialled = known.legs.has(event.leg) ? unchanged(known) : onNewLeg(known, event, consulted);
  const before = { ...dialled, call: withLeg(dialled.call, leg) };
  const progress = progressOf(knownLeg, leg, event);
  const notified =
    progress === undefined || !isNotified(before.call, leg, progress.fields.action)
      ? before
      : chain(before, (state) => ({
          call: state,
          notifications: notify(state, progress.time, progress.fields),
        }));
  return chain(
    notified,
    event.kind === 'end' ? (state) => onCalledLegEnd(state, leg, event) : hangupIfComplete,
  );
}

/**
 * Whether a called leg dials this one and keeps the caller on hold (`att_xfer` in mod_dptools.c): it has the number at which
 * it was dialled. One that was transferred has the number of the extension.
 */
const isConsultation = ({ legs }: CallState, { otherLeg, otherNumber }: LegEvent): boolean =>
  otherNumber !== '' && legs.get(otherLeg)?.number === otherNumber;

/** Handles the first event of a called leg. The leg that dialled it is the caller leg or a called leg. */
function onNewLeg(call: CallState, event: LegEvent, consulted: boolean): Step {
  const { otherLeg, at, time } = event;
  if (otherLeg === call.uuid) return onCallerLegDials(call, event);
  if (consulted) return unchanged(call);
  const dialling = call.legs.get(otherLeg);
  if (dialling === undefined)
    return call.end?.bridgedTo === otherLeg ? onCalledLegDials(call, event) : unchanged(call);
  return inTurn(
    withLeg(call, { ...dialling, moved: dialling.moved || at }),
    (state) => reportTransfer(state, time),
    (state) => onCalledLegDials(state, event),
  );
}

const onCalledLegEnd = (call: CallState, leg: Leg, event: LegEvent): Step =>
  inTurn(
    call,
    (state) => ({ call: state, notifications: legEnd(state, leg, event) }),
    (state) => onKeptLegEnd(state, event),
    (state) => reportTransfer(state, event.time),
    (state) => onDepartedLegEnd(state, event),
    hangupIfComplete,
  );

/** Handles the end of a leg that joined the call: of a phone that picked it up, or of another call. */
export function onJoinedLegEnd(call: CallState, event: LegEvent): Step {
  const known = call.legs.get(event.leg);
  if (event.kind !== 'end' || known === undefined) return unchanged(call);
  const leg = mergeLeg(known, event);
  return inTurn(
    withLeg(call, leg),
    (state) => ({ call: state, notifications: event.call === '' ? legEnd(state, leg, event) : [] }),
    (state) => reportTransfer(state, event.time),
  );
}

/** Handles an entry of the caller leg into `socket`. */
export function onEntry(known: CallState | undefined, event: LegEvent, isTransferred: boolean): Step {
  const call = { ...subscribed(known ?? firstState(event, event.leg), event), dialled: event.number };
  return isTransferred ? onTransferredEntry(call, event) : unchanged(call);
}

/** Handles a called leg that becomes the caller leg of a new call, because it was transferred to Dialhook. */
export function onLegLeft(known: CallState | undefined, event: LegEvent): Step {
  const before = known ?? firstState(event);
  const merged = mergeLeg(before.legs.get(event.leg), event);
  // A leg that another party was connected with talked longer than the caller of this call.
  const at = (merged.moved === 0 && before.end?.times.ended) || event.at;
  const leg = { ...merged, left: at, failure: { cause: 'BLIND_TRANSFER' } };
  return inTurn(
    withLeg(before, leg),
    (state) => ({ call: state, notifications: legEnd(state, leg, event) }),
    (state) => reportTransfer(state, event.time),
    (state) => onCalledLegEntry(state, event, event.leg),
    hangupIfComplete,
  );
}

/**
 * Handles a leg that joined the call and becomes the caller leg of a new call. The call that dialled it has its leg_end;
 * a phone that picked up was not dialled.
 */
export function onJoinedLegLeft(call: CallState, event: LegEvent): Step {
  const known = call.legs.get(event.leg);
  if (known === undefined) return unchanged(call);
  const left = call.end?.times.ended || event.at;
  const leg = { ...mergeLeg(known, event), left, failure: { cause: 'BLIND_TRANSFER' } };
  return inTurn(
    withLeg(call, leg),
    (state) => ({ call: state, notifications: event.call === '' ? legEnd(state, leg, event) : [] }),
    (state) => onCalledLegEntry(state, event, event.leg),
    hangupIfComplete,
  );
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
