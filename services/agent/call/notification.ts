import type { CtiBridgeArguments } from '#libs/contract/arguments.ts';
import { type Action, type Notification, ObservedNotification } from '#libs/contract/endpoint.ts';
import { type CallState, KEEPS_PARTY, type Leg } from './call-state.ts';
import type { LegEvent } from './leg-event.ts';
import { talkMs } from './talk-time.ts';
import { between, legDurations, tried } from './tried.ts';

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
  ? Omit<N, 'uuid' | 'node' | 'time' | 'caller_id_number' | 'caller_id_name' | 'destination_number'>
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
  const { url, notify: enabled } = subscriber;
  const notification = ObservedNotification.parse({ ...fields, uuid, node, time, ...identity });
  return [{ endpoint: { url, notify: enabled }, wanted, notification, callStart: started }];
}

/** Whether the caller left the call by a transfer. FreeSWITCH then sends the BYE. */
const isTransferred = (call: CallState, { disposition }: LegEvent): boolean =>
  call.callerTransferReported || KEEPS_PARTY.has(disposition);

/** The hangup of the call, with the details of its called legs. */
export function hangup(call: CallState, end: LegEvent): CallEvent[] {
  const { created, ring, media, ended } = end.times;
  const started = call.started || created;
  const progress = [ring, media].filter((time) => time > 0).toSorted((a, b) => a - b);
  return end.hangup === undefined
    ? []
    : notify({ ...call, started }, end.time, {
        action: 'hangup',
        leg: call.uuid,
        ...end.hangup,
        ...(isTransferred(call, end) ? { hangup_by: 'caller' } : {}),
        duration_ms: between(started, ended),
        ring_ms: between(started, progress[0] ?? 0),
        billable_ms: talkMs(end, [...call.legs.values()]),
        tried: tried(end.originated, call.legs),
      });
}

export const legEnd = (call: CallState, leg: Leg, time: string): CallEvent[] =>
  notify(call, time, {
    action: 'leg_end',
    leg: leg.leg,
    called_number: leg.number,
    ...leg.failure,
    ...legDurations(leg),
  });
