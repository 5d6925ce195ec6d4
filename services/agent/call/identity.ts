import { z } from 'zod';
import { callIdOf, MAX_UUID_BYTES } from '#libs/contract/call-id.ts';
import { decodedValue, encodedValue } from '#libs/dialplan/encoded-value.ts';
import { type CallerFacts, WITHHELD } from '#libs/dialplan/presentation.ts';
import { percentDecoded } from '#libs/net/url.ts';
import {
  type ChannelData,
  callId,
  channelTime,
  eventTime,
  header,
  legId,
  MAX_EPOCH_MS,
  variable,
  wholeHeader,
} from './channel-data.ts';
import { transferHistory } from './transfer-history.ts';

export interface CallIdentity {
  readonly caller_id_number: string;
  readonly caller_id_name: string;
  readonly destination_number: string;
  /** FreeSWITCH's uuid of the caller leg; undefined when it is the id of the call. */
  readonly channel_uuid?: string;
}

/** Values of Privacy that do not ask for privacy of the caller (RFC 3323, RFC 4244). */
const NO_PRIVACY = new Set(['none', 'history']);
/** The same of `privacy` in Remote-Party-ID. */
const NO_PARTY_PRIVACY = new Set(['off', 'no', 'none', 'ipaddr']);

/**
 * Whether headers of the INVITE ask for privacy. FreeSWITCH knows only `id` in Privacy, and yes, full and number in
 * Remote-Party-ID (sofia_handle_sip_i_invite in sofia.c).
 */
function asksForPrivacy(data: ChannelData): boolean {
  const asked = variable(data, 'sip_Privacy')
    .toLowerCase()
    .split(/[;,\s]+/);
  const [, ofParty = 'off'] = /;\s*privacy="?([\w-]+)/i.exec(variable(data, 'sip_Remote-Party-ID')) ?? [];
  return (
    asked.some((value) => value !== '' && !NO_PRIVACY.has(value)) ||
    !NO_PARTY_PRIVACY.has(ofParty.toLowerCase()) ||
    // Without a Privacy header FreeSWITCH takes the asserted number of a caller whose From is anonymous.
    variable(data, 'sip_from_user').toLowerCase() === WITHHELD.number
  );
}

/** Whether the caller asked that its number be withheld, by the profile of the caller leg or of the leg it called. */
export const isWithheld = (data: ChannelData, profile: 'Caller' | 'Other-Leg'): boolean =>
  header(data, `${profile}-Privacy-Hide-Number`) === 'true' ||
  (profile === 'Caller' && asksForPrivacy(data)) ||
  header(data, `${profile}-Caller-ID-Number`) === WITHHELD.number;

/** Headers of the INVITE whose number FreeSWITCH prefers to that of From (sofia_handle_sip_i_invite in sofia.c). */
const ASSERTING = ['sip_P-Asserted-Identity', 'sip_P-Preferred-Identity', 'sip_Remote-Party-ID'];

/** The number in a header, a URI or the user part of one, without parameters such as `;cpc=ordinary`. */
function numberIn(text: string): string {
  const [, user = text] = /(?:sips?|tel):([^>]*)/i.exec(text) ?? [];
  const [number = ''] = user.split(/[@;]/);
  return percentDecoded(number);
}

/** The number that the caller's network asserts; `''` without P-Asserted-Identity and Remote-Party-ID. */
export const assertedNumber = (data: ChannelData): string =>
  ASSERTING.map((name) => numberIn(variable(data, name))).find((number) => number !== '') ?? '';

/** Number and name in From of an INVITE, where FreeSWITCH has an asserted number in the caller profile. */
function fromHeader(
  data: ChannelData,
): Pick<CallIdentity, 'caller_id_number' | 'caller_id_name'> | undefined {
  const profile = header(data, 'Caller-Caller-ID-Number');
  const from = variable(data, 'sip_from_user');
  const isInvite = header(data, 'Call-Direction') === 'inbound';
  if (!isInvite || from === '' || !ASSERTING.some((name) => numberIn(variable(data, name)) === profile))
    return undefined;
  return { caller_id_number: from, caller_id_name: variable(data, 'sip_from_display') || from };
}

const UNIQUE_ID = { Caller: 'Unique-ID', 'Other-Leg': 'Other-Leg-Unique-ID' } as const;

function channelUuid(uuid: string): Pick<CallIdentity, 'channel_uuid'> {
  return callIdOf(uuid) === uuid ? {} : { channel_uuid: uuid };
}

/**
 * Number and name that the caller presents, and the number that it dialled. In data of the caller leg they are in its
 * caller profile (`Caller`), in data of a called leg in the profile of the originating leg (`Other-Leg`). FreeSWITCH
 * puts an asserted number into the profile: of a withheld caller nothing is presented, of another one its From.
 */
export function callIdentity(data: ChannelData, profile: 'Caller' | 'Other-Leg'): CallIdentity {
  const fixed = {
    destination_number: header(data, `${profile}-Destination-Number`),
    ...channelUuid(wholeHeader(data, UNIQUE_ID[profile])),
  };
  if (isWithheld(data, profile))
    return { caller_id_number: WITHHELD.number, caller_id_name: WITHHELD.name, ...fixed };
  const name = header(data, `${profile}-Caller-ID-Name`);
  const presented = (profile === 'Caller' ? fromHeader(data) : undefined) ?? {
    caller_id_number: header(data, `${profile}-Caller-ID-Number`),
    // A called leg that was transferred has the name that a decision gave it, escaped.
    caller_id_name: header(data, 'Call-Direction') === 'outbound' ? percentDecoded(name) : name,
  };
  return { ...presented, ...fixed };
}

/** The channel variable that holds the identity of a call, fixed when it was tagged. Exported to the called legs. */
export const IDENTITY_VARIABLE = 'dialhook_caller';

/** An identity and when the call started, epoch ms. */
export interface TaggedIdentity extends CallIdentity {
  readonly started: number;
}

/** The identity as text that FreeSWITCH neither expands, splits nor decodes. */
export const encodeIdentity = (identity: TaggedIdentity): string =>
  encodedValue([
    identity.caller_id_number,
    identity.caller_id_name,
    identity.destination_number,
    identity.started,
    ...(identity.channel_uuid === undefined ? [] : [identity.channel_uuid]),
  ]);

const EpochMs = z.number().int().min(0).max(MAX_EPOCH_MS);
/** A newer version may add elements. */
const Tagged = z.tuple(
  [z.string(), z.string(), z.string(), EpochMs, z.string().max(MAX_UUID_BYTES).optional()],
  z.unknown(),
);

/** The identity and start time that a channel was tagged with; undefined without them. */
export function taggedWith(data: ChannelData): TaggedIdentity | undefined {
  const parsed = Tagged.safeParse(decodedValue(variable(data, IDENTITY_VARIABLE)));
  if (!parsed.success) return undefined;
  const [caller_id_number, caller_id_name, destination_number, started, uuid = ''] = parsed.data;
  return { caller_id_number, caller_id_name, destination_number, started, ...channelUuid(uuid) };
}

/** The identity that a channel was tagged with; undefined without one. */
export function taggedIdentity(data: ChannelData): CallIdentity | undefined {
  const tagged = taggedWith(data);
  if (tagged === undefined) return undefined;
  const { started: _, ...identity } = tagged;
  return identity;
}

/**
 * Start of the call, epoch ms; 0 when unknown. A called leg that the caller transferred starts a new call when it enters
 * `socket`. So does a phone that picked up another call before: it is not tagged.
 */
export function startOf(data: ChannelData): number {
  const tagged = callId(data);
  const isOwn =
    tagged === '' ? transferHistory(data).every(({ kind }) => kind !== 'bridge') : tagged === legId(data);
  if (!isOwn) return eventTime(data);
  return taggedWith(data)?.started ?? channelTime(data, 'Created');
}

/** The identity with which the channel of a new call is tagged. */
export const newIdentity = (data: ChannelData): TaggedIdentity => ({
  ...callIdentity(data, 'Caller'),
  started: startOf(data),
});

/** Data of the caller when a decision is carried out. */
export function callerFacts(data: ChannelData): CallerFacts {
  const identity = callIdentity(data, 'Caller');
  return {
    number: identity.caller_id_number,
    name: identity.caller_id_name,
    withheld: isWithheld(data, 'Caller'),
    asserted: assertedNumber(data),
    dialled: identity.destination_number,
  };
}
