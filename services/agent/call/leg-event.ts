import type { CtiBridgeArguments } from '#libs/contract/arguments.ts';
import { callIdOf } from '#libs/contract/call-id.ts';
import { ACTIONS, type Action, DEFAULT_ACTIONS } from '#libs/contract/endpoint.ts';
import { CALL_VARIABLE } from '#libs/dialplan/applications.ts';
import { PLACE_VARIABLE, RESTED_VARIABLE } from '#libs/dialplan/leg-variables.ts';
import { NOTIFY_VARIABLE, reportedData, reportedUrl } from '#libs/dialplan/reporting.ts';
import { decodeSkipped, SKIPPED_VARIABLE, type SkippedTarget } from '#libs/dialplan/skipped.ts';
import { ACCEPTED_SUBCLASS, AGENT_EVENTS, OPTIONAL_AGENT_EVENTS } from '#libs/esl/agent-rights.ts';
import { parseCtiBridge } from '../cti-bridge.ts';
import {
  type ChannelData,
  ChannelDataError,
  callId,
  defectOf,
  eventTime,
  header,
  isLoopback,
  isoTime,
  legId,
  nodeName,
  otherLegId,
  variable,
  variableList,
} from './channel-data.ts';
import { type HangupFacts, hangupFacts } from './hangup.ts';
import { type CallIdentity, callIdentity, taggedWith } from './identity.ts';
import { type LegFailure, legFailure } from './leg-failure.ts';
import { hasToAccept, type LegTimes, legTimes } from './leg-times.ts';
import { type LegRecording, legRecording } from './recording.ts';
import { type TransferEntry, transferHistory } from './transfer-history.ts';

const KINDS = {
  CHANNEL_PROGRESS: 'ring',
  CHANNEL_PROGRESS_MEDIA: 'media',
  CHANNEL_ANSWER: 'answer',
  CHANNEL_BRIDGE: 'bridge',
  CHANNEL_HANGUP_COMPLETE: 'end',
  CUSTOM: 'accept',
} as const;

/** The events that the agent subscribes to. */
export const EVENTS: readonly string[] = AGENT_EVENTS;

/** Events that are not required. */
export const OPTIONAL_EVENTS = Object.keys(OPTIONAL_AGENT_EVENTS);

/**
 * The event socket filters. FreeSWITCH sends an event when a positive filter matches and no negative one does: events of
 * tagged channels, and of a phone that picked up a call, whose channel is not tagged (`uuid_br` in transfer_source). The
 * events of a caller leg in CS_EXECUTE, which runs its dialplan, hold nothing that a notification needs; among them is
 * the CHANNEL_BRIDGE of an ordinary call.
 */
export const FILTERS = [
  [`variable_${CALL_VARIABLE}`, '/.+/'],
  ['variable_transfer_source', '/uuid_br:/'],
  ['Channel-State', '-CS_EXECUTE'],
] as const;

/** A called leg in the data of the channel that dialled it. */
export interface OriginatedLeg {
  readonly leg: string;
  /** The number shown to the caller for this leg. */
  readonly number: string;
  /** `NONE`: the originate succeeded; early media is enough for that. */
  readonly cause: string;
}

/** The endpoint of a call and the notifications that it wants. */
export interface Subscriber extends Pick<CtiBridgeArguments, 'url' | 'notify'> {
  readonly actions: readonly Action[];
  /** `data` of the decision; undefined without any. */
  readonly data: unknown;
}

/** One event of FreeSWITCH about one leg, parsed once. */
export interface LegEvent {
  /** `entry`: the channel entered the `socket` application. */
  readonly kind: (typeof KINDS)[keyof typeof KINDS] | 'entry';
  /** The ids of the call that the channel is tagged with and of the legs. `call` is `''` for the leg of a phone that
   * picked up a call. */
  readonly call: string;
  readonly leg: string;
  readonly otherLeg: string;
  readonly node: string;
  /** ISO 8601 and epoch ms. */
  readonly time: string;
  readonly at: number;
  /** Numbers dialled on this leg and on the other leg. */
  readonly number: string;
  readonly otherNumber: string;
  /** Number of the party that dialled. A pickup replaces it. */
  readonly callerNumber: string;
  /**
   * The number of a phone that picks a call up, of this leg and of the other one: what it presents, or the number at which an
   * operator called it. Pickups do not change it: an INVITE with Replaces and a parking lot replace the phone's
   * `callerNumber` (sofia.c, switch_ivr_uuid_bridge).
   */
  readonly phoneNumber: string;
  readonly otherPhoneNumber: string;
  readonly identity: CallIdentity;
  /** Start of the call, epoch ms; 0 when unknown. */
  readonly started: number;
  readonly subscriber: Subscriber | undefined;
  readonly times: LegTimes;
  /** Whether the leg has to accept the call. */
  readonly accepts: boolean;
  readonly failure: LegFailure;
  /** Whether the party of the leg left because it transferred the other party (REFER). */
  readonly leftByRefer: boolean;
  readonly transfers: readonly TransferEntry[];
  /** The legs that it dialled; empty unless the leg has ended. */
  readonly originated: readonly OriginatedLeg[];
  /** Targets that were not dialled; empty unless the leg has ended. */
  readonly skipped: readonly SkippedTarget[];
  /** The recording of a called leg; undefined unless the leg has ended or entered `socket`. */
  readonly recording: LegRecording | undefined;
  /** PLACE_VARIABLE of a called leg; `''` without one. */
  readonly place: string;
  /** Gateway of a called leg; `''` for any other. */
  readonly gateway: string;
  /** Whether that gateway rested when the leg was dialled. */
  readonly rested: boolean;
  /** The leg with which it was last bridged. */
  readonly bridgedTo: string;
  /** Brought back by `sofia recover`. */
  readonly recovered: boolean;
  /** Set only for a caller leg that has ended. */
  readonly hangup: HangupFacts | undefined;
}

export interface LegEventSettings {
  readonly nodeName: string | undefined;
  readonly defaultUrl: string | undefined;
}

/** The legs that a channel has dialled, in the order tried. */
export function originatedLegs(data: ChannelData): OriginatedLeg[] {
  const causes = new Map(
    variableList(data, 'originate_causes').map((entry) => {
      const [uuid = '', cause = ''] = entry.split(';');
      return [callIdOf(uuid), cause];
    }),
  );
  const legs = new Map(
    variableList(data, 'originated_legs').map((entry) => {
      const [uuid = '', , number = ''] = entry.split(';');
      const leg = callIdOf(uuid);
      return [leg, { leg, number, cause: causes.get(leg) ?? '' }];
    }),
  );
  legs.delete('');
  return [...legs.values()];
}

/** The targets of a call that were not dialled because a limit was reached. */
export const skippedTargets = (data: ChannelData): SkippedTarget[] =>
  decodeSkipped(variable(data, SKIPPED_VARIABLE));

/** The actions in NOTIFY_VARIABLE, or the default when it is not set. */
function actionsOf(data: ChannelData): readonly Action[] {
  const text = variable(data, NOTIFY_VARIABLE);
  if (text === '') return DEFAULT_ACTIONS;
  const named = text.split('.');
  return ACTIONS.filter((action) => named.includes(action));
}

/** The subscriber of a tagged call, from the arguments of its requests and the variables of its last decision. */
export function subscriberWith(
  data: ChannelData,
  { url, notify }: Pick<CtiBridgeArguments, 'url' | 'notify'>,
): Subscriber {
  const read = (name: string) => variable(data, name);
  return { url: reportedUrl(read) ?? url, notify, actions: actionsOf(data), data: reportedData(read) };
}

function subscriberOf(data: ChannelData, defaultUrl: string | undefined): Subscriber | undefined {
  const parsed = parseCtiBridge(variable(data, 'cti_bridge'), defaultUrl);
  return parsed.ok ? subscriberWith(data, parsed.endpoint) : undefined;
}

/**
 * After REFER FreeSWITCH ends the leg of the transferor. `refer_uuid` is set by a REFER with Replaces; the disposition is
 * not, if the party to be replaced still rings.
 */
function leftByRefer(data: ChannelData): boolean {
  const disposition = variable(data, 'endpoint_disposition');
  if (disposition === 'BLIND_TRANSFER' || disposition === 'ATTENDED_TRANSFER') return true;
  return variable(data, 'refer_uuid') !== '' && variable(data, 'sip_hangup_disposition') === 'send_bye';
}

const phoneNumber = (data: ChannelData, prefix: 'Caller' | 'Other-Leg'): string =>
  header(data, `${prefix}-Direction`) === 'outbound'
    ? header(data, `${prefix}-Destination-Number`)
    : header(data, `${prefix}-Orig-Caller-ID-Number`);

function read(
  data: ChannelData,
  kind: LegEvent['kind'],
  configuredName: string | undefined,
  subscriber: Subscriber | undefined,
): LegEvent {
  const call = callId(data);
  const leg = legId(data);
  const isCallerLeg = leg === call;
  const { started = 0, ...identity } = taggedWith(data) ?? {
    ...callIdentity(data, isCallerLeg ? 'Caller' : 'Other-Leg'),
    started: undefined,
  };
  const times = legTimes(data);
  return {
    kind,
    call,
    leg,
    otherLeg: otherLegId(data),
    node: nodeName(data, configuredName),
    time: isoTime(data),
    at: eventTime(data),
    number: header(data, 'Caller-Destination-Number'),
    otherNumber: header(data, 'Other-Leg-Destination-Number'),
    callerNumber: header(data, 'Caller-Caller-ID-Number'),
    phoneNumber: phoneNumber(data, 'Caller'),
    otherPhoneNumber: phoneNumber(data, 'Other-Leg'),
    identity,
    started: started || (isCallerLeg ? times.created : 0),
    subscriber,
    times,
    accepts: hasToAccept(data),
    failure: legFailure(data),
    leftByRefer: leftByRefer(data),
    transfers: transferHistory(data),
    originated: kind === 'end' ? originatedLegs(data) : [],
    skipped: kind === 'end' ? skippedTargets(data) : [],
    recording: kind === 'end' || kind === 'entry' ? legRecording(data) : undefined,
    place: variable(data, PLACE_VARIABLE),
    gateway: variable(data, 'sip_gateway_name'),
    rested: variable(data, RESTED_VARIABLE) === 'true',
    bridgedTo: callIdOf(variable(data, 'bridge_uuid') || variable(data, 'last_bridge_to')),
    recovered: variable(data, 'recovered') === 'true',
    hangup: kind === 'end' && isCallerLeg ? hangupFacts(data) : undefined,
  };
}

/**
 * Whether the channel is behind a loopback leg that has not entered `socket`: its inner end, or a leg that this end
 * dialled. The outer end is the called leg.
 */
function isBehindLoopback(data: ChannelData): boolean {
  const isDialledByInnerEnd = /^loopback\/.*-b$/.test(header(data, 'Other-Leg-Channel-Name'));
  const innerEnd = isLoopback(data) ? legId(data) : otherLegId(data);
  return (isLoopback(data) || isDialledByInnerEnd) && callId(data) !== innerEnd;
}

/**
 * The event of a leg; undefined for another event, for one without a channel, and behind a loopback leg.
 * @throws {ChannelDataError} when FreeSWITCH cannot have sent it.
 */
export function legEvent(data: ChannelData, settings: LegEventSettings): LegEvent | undefined {
  const name = header(data, 'Event-Name');
  if (!Object.hasOwn(KINDS, name) || legId(data) === '') return undefined;
  if (name === 'CUSTOM' && header(data, 'Event-Subclass') !== ACCEPTED_SUBCLASS) return undefined;
  const defect = defectOf(data, settings.nodeName);
  if (defect !== undefined) throw new ChannelDataError(`${name}: ${defect}`);
  if (isBehindLoopback(data)) return undefined;
  const subscriber = subscriberOf(data, settings.defaultUrl);
  return read(data, KINDS[name as keyof typeof KINDS], settings.nodeName, subscriber);
}

/**
 * The entry of a channel into `socket`, from the channel data of `connect`, whose `cti_bridge` is not exact.
 * @param configuredName NODE_NAME.
 */
export const entryEvent = (
  data: ChannelData,
  configuredName: string | undefined,
  subscriber: Subscriber | undefined,
): LegEvent => read(data, 'entry', configuredName, subscriber);
