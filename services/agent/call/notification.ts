import type { CtiBridgeArguments } from '#libs/contract/arguments.ts';
import { type Action, type Notification, ObservedNotification } from '#libs/contract/endpoint.ts';
import { RESULT_NAMES, type Result } from '#libs/contract/results.ts';
import { CALL_VARIABLE } from '#libs/dialplan/applications.ts';
import type { FreeSwitchEvent } from '#libs/esl/inbound.ts';
import { parseCtiBridge } from '../cti-bridge.ts';
import { type ChannelData, channelTime, header, isoTime, nodeName, variable } from './channel-data.ts';
import { tried } from './tried.ts';

/** The events the agent subscribes to: what the called leg does, and the end of the caller's. */
const CALLED_LEG: Readonly<Record<string, Exclude<Action, 'hangup'>>> = {
  CHANNEL_PROGRESS: 'ring',
  CHANNEL_PROGRESS_MEDIA: 'progress',
  CHANNEL_ANSWER: 'answer',
};
const END = 'CHANNEL_HANGUP_COMPLETE';
export const EVENTS = [...Object.keys(CALLED_LEG), END];

/** Of marked calls all but what the caller's leg does while it runs its dialplan: it says nothing of its own. */
export const FILTERS = [
  [`variable_${CALL_VARIABLE}`, '/.+/'],
  ['Channel-State', '-CS_EXECUTE'],
] as const;

const between = (from: number, to: number): number =>
  from > 0 && to > from ? Math.round((to - from) / 1000) : 0;

function hangupBy(event: ChannelData): 'caller' | 'callee' | 'freeswitch' {
  const disposition = variable(event, 'sip_hangup_disposition');
  if (disposition === 'recv_bye' || disposition === 'recv_cancel') return 'caller';
  const saidByCalledLeg = variable(event, 'last_bridge_proto_specific_hangup_cause').startsWith('sip:');
  return saidByCalledLeg ? 'callee' : 'freeswitch';
}

const resultOf = (event: ChannelData): Result | undefined =>
  RESULT_NAMES.find((name) => name === variable(event, 'dialhook_result'));

function sipStatus(event: ChannelData): number | undefined {
  const status = Number(variable(event, 'sip_term_status') || variable(event, 'sip_invite_failure_status'));
  return status > 0 ? status : undefined;
}

function hangupFacts(event: ChannelData) {
  const created = channelTime(event, 'Created');
  const ended = channelTime(event, 'Hangup');
  const [firstSign = 0] = [channelTime(event, 'Progress'), channelTime(event, 'Progress-Media')]
    .filter((time) => time > 0)
    .sort();
  const result = resultOf(event);
  const status = sipStatus(event);
  return {
    ...(result === undefined ? {} : { result }),
    cause: header(event, 'Hangup-Cause'),
    q850: Number(variable(event, 'hangup_cause_q850')) || 0,
    ...(status === undefined ? {} : { sip_status: status }),
    hangup_by: hangupBy(event),
    duration_ms: between(created, ended),
    ring_ms: between(created, firstSign),
    billable_ms: between(channelTime(event, 'Answered'), ended),
    tried: tried(event),
  };
}

/** What one event says of a call of Dialhook. */
export interface CallEvent {
  readonly endpoint: Pick<CtiBridgeArguments, 'url' | 'notify'>;
  readonly notification: Notification;
  /** The caller's leg was made, epoch milliseconds. */
  readonly callStart: number;
}

export interface ObservedEvent extends CallEvent {
  readonly notification: ObservedNotification;
}

/**
 * Reads an event of FreeSWITCH. Undefined when it is of no concern: another event, a leg that is not Dialhook's, or a
 * call whose endpoint cannot be told from its cti_bridge.
 */
export function readEvent(
  event: FreeSwitchEvent,
  settings: { readonly nodeName: string | undefined; readonly defaultUrl: string | undefined },
): ObservedEvent | undefined {
  const uuid = variable(event, CALL_VARIABLE);
  const leg = header(event, 'Unique-ID');
  const parsed = parseCtiBridge(variable(event, 'cti_bridge'), settings.defaultUrl);
  if (uuid === '' || leg === '' || !parsed.ok) return undefined;

  const name = header(event, 'Event-Name');
  const callersLeg = leg === uuid;
  const action = callersLeg ? (name === END ? 'hangup' : undefined) : CALLED_LEG[name];
  if (action === undefined) return undefined;

  const caller = callersLeg ? 'Caller' : 'Other-Leg';
  const common = {
    uuid,
    leg,
    node: nodeName(event, settings.nodeName),
    time: isoTime(header(event, 'Event-Date-Timestamp')),
    caller_id_number: header(event, `${caller}-Caller-ID-Number`),
    caller_id_name: header(event, `${caller}-Caller-ID-Name`),
    destination_number: header(event, `${caller}-Destination-Number`),
  };
  const notification = ObservedNotification.parse(
    action === 'hangup'
      ? { action, ...common, ...hangupFacts(event) }
      : { action, ...common, called_number: header(event, 'Caller-Destination-Number') },
  );
  return {
    endpoint: parsed.endpoint,
    notification,
    callStart: Math.floor(channelTime(event, 'Created') / 1000),
  };
}
