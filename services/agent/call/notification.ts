import type { CtiBridgeArguments } from '#libs/contract/arguments.ts';
import { type Action, type Notification, ObservedNotification } from '#libs/contract/endpoint.ts';
import { withSkipped } from '#libs/dialplan/skipped.ts';
import type { CallState, Leg } from './call-state.ts';
import type { HangupFacts } from './hangup.ts';
import type { LegEvent } from './leg-event.ts';
import { talkMs } from './talk-time.ts';
import { between, legDurations, ringMs, tried } from './tried.ts';

/** A notification with the data needed to publish it. */
export interface CallEvent {
  readonly endpoint: Pick<CtiBridgeArguments, 'url' | 'notify'>;
  /** Whether the endpoint wants this action. Only hangups are produced although they are not wanted. */
  readonly wanted: boolean;
  readonly notification: Notification;
  /** Start of the call, epoch ms. */
  readonly callStart: number;
}

/** The fields of an observed notification in addition to the common ones. */
type Fields<N = ObservedNotification> = N extends ObservedNotification
  ? Omit<N, 'uuid' | 'node' | 'time' | 'caller_id_number' | 'caller_id_name' | 'destination_number' | 'data'>
  : never;

const isWanted = ({ subscriber }: CallState, action: Action): boolean =>
  subscriber?.notify === true && subscriber.actions.includes(action);

/**
 * Returns the notification in a list; an empty list when the endpoint does not want it or is unknown.
 * @throws {ZodError} when a field from FreeSWITCH is malformed.
 */
export function notify(call: CallState, time: string, fields: Fields): CallEvent[] {
  const { subscriber, uuid, node, identity, started } = call;
  const wanted = isWanted(call, fields.action);
  if (subscriber === undefined || (!wanted && fields.action !== 'hangup')) return [];
  const { url, notify: enabled, data } = subscriber;
  const echoed = data === undefined ? {} : { data };
  const notification = ObservedNotification.parse({ ...fields, uuid, node, time, ...identity, ...echoed });
  return [{ endpoint: { url, notify: enabled }, wanted, notification, callStart: started }];
}

/** Whether the caller left the call by a transfer. FreeSWITCH then sends the BYE. */
const isTransferred = (call: CallState, { leftByRefer }: LegEvent): boolean =>
  leftByRefer || call.calledLegTransferred === 'caller';

const BYE_STATUS = 200;

/** Whether a called party ended the call with this status. Trusts the status when the agent has not seen every leg. */
function isByCallee({ legs }: CallState, { originated }: LegEvent, status: number | undefined): boolean {
  if (status === undefined) return false;
  if (originated.some(({ leg }) => (legs.get(leg)?.ended ?? 0) === 0)) return true;
  return [...legs.values()].some(({ answered, joined, failure }) =>
    status === BYE_STATUS ? answered > 0 || joined > 0 : failure.sip_status === status,
  );
}

function hangupBy(call: CallState, end: LegEvent, { byCaller, calledStatus }: HangupFacts) {
  if (byCaller || isTransferred(call, end)) return 'caller';
  return isByCallee(call, end, calledStatus) ? 'callee' : 'freeswitch';
}

/** The hangup of the call, with the details of its called legs. */
export function hangup(call: CallState, end: LegEvent): CallEvent[] {
  if (end.hangup === undefined) return [];
  const { created, ended } = end.times;
  const started = call.started || created;
  return notify({ ...call, started }, end.time, {
    action: 'hangup',
    leg: call.uuid,
    ...end.hangup.fields,
    hangup_by: hangupBy(call, end, end.hangup),
    duration_ms: between(started, ended),
    ring_ms: ringMs(started, end.originated, call.legs),
    billable_ms: talkMs(end, [...call.legs.values()]),
    tried: withSkipped(call.uuid, tried(end.originated, call.legs), end.skipped),
  });
}

/** The end of a called leg, after its recording. */
export function legEnd(call: CallState, leg: Leg, { time, recording }: LegEvent): CallEvent[] {
  const about = { leg: leg.leg, called_number: leg.number };
  return [
    ...(recording === undefined ? [] : notify(call, time, { action: 'recording', ...about, ...recording })),
    ...notify(call, time, { action: 'leg_end', ...about, ...leg.failure, ...legDurations(leg) }),
  ];
}
