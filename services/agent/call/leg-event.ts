import type { CtiBridgeArguments } from '#libs/contract/arguments.ts';
import { ACTIONS, type Action, DEFAULT_ACTIONS } from '#libs/contract/endpoint.ts';
import { CALL_VARIABLE, NOTIFY_VARIABLE } from '#libs/dialplan/applications.ts';
import { parseCtiBridge } from '../cti-bridge.ts';
import {
  type ChannelData,
  channelTime,
  header,
  isoTime,
  nodeName,
  variable,
  variableList,
} from './channel-data.ts';
import { type HangupFacts, hangupFacts } from './hangup.ts';
import { type CallIdentity, callIdentity, taggedWith } from './identity.ts';
import { type LegFailure, legFailure } from './leg-failure.ts';

const KINDS = {
  CHANNEL_PROGRESS: 'ring',
  CHANNEL_PROGRESS_MEDIA: 'media',
  CHANNEL_ANSWER: 'answer',
  CHANNEL_BRIDGE: 'bridge',
  CHANNEL_HANGUP_COMPLETE: 'end',
} as const;

/** The events that the agent subscribes to. */
export const EVENTS = Object.keys(KINDS).filter((name) => name !== 'CHANNEL_BRIDGE');

/**
 * Shows attended transfers and pickups as they happen; without it they are known when a leg ends. Not required, because
 * the directory users of earlier versions are not allowed to receive it.
 */
export const OPTIONAL_EVENTS = ['CHANNEL_BRIDGE'];

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

/** Times of the events of a leg, epoch ms by FreeSWITCH's clock; 0 before the event. */
export interface LegTimes {
  readonly created: number;
  /** 180, or 183 without SDP. */
  readonly ring: number;
  /** 180 or 183 with SDP. */
  readonly media: number;
  readonly answered: number;
  readonly bridged: number;
  readonly ended: number;
}

/** An entry of `transfer_history`: REFER or uuid_transfer, REFER with Replaces, or a bridge made by either or by intercept. */
export type TransferEntry =
  | { readonly kind: 'blind'; readonly to: string }
  | { readonly kind: 'attended' }
  | { readonly kind: 'bridge'; readonly leg: string };

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
}

/** One event of FreeSWITCH about one leg, parsed once. */
export interface LegEvent {
  /** `entry`: the channel entered the `socket` application. */
  readonly kind: (typeof KINDS)[keyof typeof KINDS] | 'entry';
  /** The call that the channel is tagged with; `''` for the leg of a phone that picked up a call. */
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
  /** Number of the party that dialled. */
  readonly callerNumber: string;
  readonly identity: CallIdentity;
  /** Start of the call, epoch ms; 0 when unknown. */
  readonly started: number;
  readonly subscriber: Subscriber | undefined;
  readonly times: LegTimes;
  readonly failure: LegFailure;
  /** FreeSWITCH's disposition of the leg, such as `BLIND_TRANSFER` or `ATTENDED_TRANSFER`. */
  readonly disposition: string;
  readonly transfers: readonly TransferEntry[];
  readonly originated: readonly OriginatedLeg[];
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

const millis = (data: ChannelData, moment: string): number =>
  Math.round(channelTime(data, moment) / 1000) || 0;

const legTimes = (data: ChannelData): LegTimes => ({
  created: millis(data, 'Created'),
  ring: millis(data, 'Progress'),
  media: millis(data, 'Progress-Media'),
  answered: millis(data, 'Answered'),
  bridged: millis(data, 'Bridged'),
  ended: millis(data, 'Hangup'),
});

/** `TIME:ID:bl_xfer:EXTENSION/CONTEXT/DIALPLAN`, `TIME:ID:att_xfer:...` or `TIME:ID:uuid_br:LEG`. */
function transferEntry(text: string): TransferEntry[] {
  const [, , kind, ...rest] = text.split(':');
  const detail = rest.join(':');
  if (kind === 'bl_xfer') return [{ kind: 'blind', to: detail.split('/')[0] ?? '' }];
  if (kind === 'att_xfer') return [{ kind: 'attended' }];
  return kind === 'uuid_br' ? [{ kind: 'bridge', leg: detail }] : [];
}

/** The legs that a channel has dialled, in the order tried. */
export function originatedLegs(data: ChannelData): OriginatedLeg[] {
  const causes = new Map(
    variableList(data, 'originate_causes').map((entry) => {
      const [leg = '', cause = ''] = entry.split(';');
      return [leg, cause];
    }),
  );
  const legs = new Map(
    variableList(data, 'originated_legs').map((entry) => {
      const [leg = '', , number = ''] = entry.split(';');
      return [leg, { leg, number, cause: causes.get(leg) ?? '' }];
    }),
  );
  return [...legs.values()];
}

/** The actions in NOTIFY_VARIABLE, or the default when it is not set. */
function actionsOf(data: ChannelData): readonly Action[] {
  const text = variable(data, NOTIFY_VARIABLE);
  if (text === '') return DEFAULT_ACTIONS;
  const named = text.split('.');
  return ACTIONS.filter((action) => named.includes(action));
}

function subscriberOf(data: ChannelData, defaultUrl: string | undefined): Subscriber | undefined {
  const parsed = parseCtiBridge(variable(data, 'cti_bridge'), defaultUrl);
  if (!parsed.ok) return undefined;
  const { url, notify } = parsed.endpoint;
  return { url, notify, actions: actionsOf(data) };
}

function read(data: ChannelData, kind: LegEvent['kind'], settings: LegEventSettings): LegEvent {
  const call = variable(data, CALL_VARIABLE);
  const leg = header(data, 'Unique-ID');
  const isCallerLeg = leg === call;
  const { started = 0, ...identity } = taggedWith(data) ?? {
    ...callIdentity(data, isCallerLeg ? 'Caller' : 'Other-Leg'),
    started: undefined,
  };
  const times = legTimes(data);
  const stamp = header(data, 'Event-Date-Timestamp');
  const time = isoTime(stamp);
  return {
    kind,
    call,
    leg,
    otherLeg: header(data, 'Other-Leg-Unique-ID'),
    node: nodeName(data, settings.nodeName),
    time,
    at: Date.parse(time),
    number: header(data, 'Caller-Destination-Number'),
    otherNumber: header(data, 'Other-Leg-Destination-Number'),
    callerNumber: header(data, 'Caller-Caller-ID-Number'),
    identity,
    started: started || (isCallerLeg ? times.created : 0),
    subscriber: subscriberOf(data, settings.defaultUrl),
    times,
    failure: legFailure(data),
    disposition: variable(data, 'endpoint_disposition'),
    transfers: variableList(data, 'transfer_history').flatMap(transferEntry),
    originated: originatedLegs(data),
    bridgedTo: variable(data, 'bridge_uuid') || variable(data, 'last_bridge_to'),
    recovered: variable(data, 'recovered') === 'true',
    hangup: kind === 'end' && isCallerLeg ? hangupFacts(data) : undefined,
  };
}

/**
 * The event of a leg; undefined for another event, and for one without a channel.
 * @throws {RangeError} without a timestamp.
 */
export function legEvent(data: ChannelData, settings: LegEventSettings): LegEvent | undefined {
  const name = header(data, 'Event-Name');
  if (!Object.hasOwn(KINDS, name) || header(data, 'Unique-ID') === '') return undefined;
  return read(data, KINDS[name as keyof typeof KINDS], settings);
}

/** The entry of a channel into `socket`, from the channel data of `connect`. @throws {RangeError} without a timestamp. */
export const entryEvent = (data: ChannelData, settings: LegEventSettings): LegEvent =>
  read(data, 'entry', settings);
