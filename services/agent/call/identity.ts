import { z } from 'zod';
import { CALL_VARIABLE } from '#libs/dialplan/applications.ts';
import type { CallerFacts } from '#libs/dialplan/presentation.ts';
import { type ChannelData, header, variable } from './channel-data.ts';

export interface CallIdentity {
  readonly caller_id_number: string;
  readonly caller_id_name: string;
  readonly destination_number: string;
}

/** Number and name of a caller that withholds them (RFC 3323). */
export const WITHHELD = { number: 'anonymous', name: 'Anonymous' } as const;

/** Whether the caller asked that its number be withheld, by the profile of the caller leg or of the leg it called. */
export const isWithheld = (data: ChannelData, profile: 'Caller' | 'Other-Leg'): boolean =>
  header(data, `${profile}-Privacy-Hide-Number`) === 'true' ||
  // Without a Privacy header FreeSWITCH takes the asserted number of a caller whose From is anonymous.
  (profile === 'Caller' && variable(data, 'sip_from_user').toLowerCase() === WITHHELD.number) ||
  header(data, `${profile}-Caller-ID-Number`) === WITHHELD.number;

/** The number that the caller's network asserts; `''` without P-Asserted-Identity and Remote-Party-ID. */
export function assertedNumber(data: ChannelData): string {
  if (variable(data, 'sip_cid_type') === '') return '';
  return variable(data, 'sip_P-Asserted-Identity') || header(data, 'Caller-Caller-ID-Number');
}

/**
 * Number and name that the caller presents, and the number that it dialled. In data of the caller leg they are in its
 * caller profile (`Caller`), in data of a called leg in the profile of the originating leg (`Other-Leg`). FreeSWITCH puts the asserted number of a
 * withheld caller into the profile; this leaves it out.
 */
export function callIdentity(data: ChannelData, profile: 'Caller' | 'Other-Leg'): CallIdentity {
  const withheld = isWithheld(data, profile);
  return {
    caller_id_number: withheld ? WITHHELD.number : header(data, `${profile}-Caller-ID-Number`),
    caller_id_name: withheld ? WITHHELD.name : header(data, `${profile}-Caller-ID-Name`),
    destination_number: header(data, `${profile}-Destination-Number`),
  };
}

/** The channel variable that holds the identity of a call, fixed when it was tagged. Exported to the called legs. */
export const IDENTITY_VARIABLE = 'dialhook_caller';

/** An identity and when the call started, epoch ms. */
export interface TaggedIdentity extends CallIdentity {
  readonly started: number;
}

/** The identity as text that FreeSWITCH neither expands, splits nor decodes. */
export const encodeIdentity = (identity: TaggedIdentity): string =>
  Buffer.from(
    JSON.stringify([
      identity.caller_id_number,
      identity.caller_id_name,
      identity.destination_number,
      identity.started,
    ]),
  ).toString('base64url');

const Tagged = z.tuple([z.string(), z.string(), z.string(), z.number()]);

/** The identity and start time that a channel was tagged with; undefined without them. */
export function taggedWith(data: ChannelData): TaggedIdentity | undefined {
  const encoded = variable(data, IDENTITY_VARIABLE);
  if (encoded === '') return undefined;
  try {
    const parsed = Tagged.safeParse(JSON.parse(Buffer.from(encoded, 'base64url').toString('utf8')));
    if (!parsed.success) return undefined;
    const [caller_id_number, caller_id_name, destination_number, started] = parsed.data;
    return { caller_id_number, caller_id_name, destination_number, started };
  } catch {
    return undefined;
  }
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
 * `socket`.
 */
export function startOf(data: ChannelData): number {
  const tagged = variable(data, CALL_VARIABLE);
  const isOwn = tagged === '' || tagged === header(data, 'Unique-ID');
  const created = Number(header(data, 'Caller-Channel-Created-Time'));
  const micros = isOwn ? created : Number(header(data, 'Event-Date-Timestamp'));
  return (isOwn ? taggedWith(data)?.started : undefined) ?? Math.round((micros || 0) / 1000);
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
