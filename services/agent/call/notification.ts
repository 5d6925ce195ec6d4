import type { CtiBridgeArguments } from '#libs/contract/arguments.ts';
import { type Action, type Notification, ObservedNotification } from '#libs/contract/endpoint.ts';
import { CALL_VARIABLE } from '#libs/dialplan/applications.ts';
import type { FreeSwitchEvent } from '#libs/esl/inbound.ts';
import { parseCtiBridge } from '../cti-bridge.ts';
import { channelTime, header, isoTime, nodeName, variable } from './channel-data.ts';
import { hangupFields } from './hangup.ts';
import { callIdentity, taggedIdentity } from './identity.ts';

const CALLED_LEG_ACTIONS: Readonly<Record<string, Exclude<Action, 'hangup'>>> = {
  CHANNEL_PROGRESS: 'ring',
  CHANNEL_PROGRESS_MEDIA: 'progress',
  CHANNEL_ANSWER: 'answer',
};
const END = 'CHANNEL_HANGUP_COMPLETE';

/** The events that the agent subscribes to. */
export const EVENTS = [...Object.keys(CALLED_LEG_ACTIONS), END];

/**
 * The event socket filters: only channels that are tagged, without the events of a caller leg in CS_EXECUTE (it runs
 * its dialplan), which carry nothing that a notification needs.
 */
export const FILTERS = [
  [`variable_${CALL_VARIABLE}`, '/.+/'],
  ['Channel-State', '-CS_EXECUTE'],
] as const;

/** A notification and what is needed to publish it. */
export interface CallEvent {
  readonly endpoint: Pick<CtiBridgeArguments, 'url' | 'notify'>;
  readonly notification: Notification;
  /** When the channel was created, epoch milliseconds. */
  readonly callStart: number;
}

export interface ObservedEvent extends CallEvent {
  readonly notification: ObservedNotification;
}

/**
 * The notification in an event of FreeSWITCH; undefined when there is none: another event, a channel that is not
 * tagged, or a call without a valid `cti_bridge`.
 * @throws {ZodError} when a header is missing or malformed.
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
  const isCallerLeg = leg === uuid;
  const action = isCallerLeg ? (name === END ? 'hangup' : undefined) : CALLED_LEG_ACTIONS[name];
  if (action === undefined) return undefined;

  const common = {
    uuid,
    leg,
    node: nodeName(event, settings.nodeName),
    time: isoTime(header(event, 'Event-Date-Timestamp')),
    ...(taggedIdentity(event) ?? callIdentity(event, isCallerLeg ? 'Caller' : 'Other-Leg')),
  };
  const notification = ObservedNotification.parse(
    action === 'hangup'
      ? { action, ...common, ...hangupFields(event) }
      : { action, ...common, called_number: header(event, 'Caller-Destination-Number') },
  );
  const callStart = Math.floor(channelTime(event, 'Created') / 1000);
  return { endpoint: parsed.endpoint, notification, callStart };
}
