import { z } from 'zod';
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
  header(data, `${profile}-Caller-ID-Number`) === WITHHELD.number;

/** The number that the caller's network asserts; `''` without P-Asserted-Identity and Remote-Party-ID. */
export function assertedNumber(data: ChannelData): string {
  if (variable(data, 'sip_cid_type') === '') return '';
  return variable(data, 'sip_P-Asserted-Identity') || header(data, 'Caller-Caller-ID-Number');
}

/**
 * Who calls whom, as the caller presents itself. The caller leg's own data has it in its caller profile (`Caller`), a
 * called leg's data in that of the leg that originated it (`Other-Leg`). FreeSWITCH puts the asserted number of a
 * withheld caller into the profile: it is left out here.
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

/** The identity as a value that no part of FreeSWITCH expands, splits or decodes. */
export const encodeIdentity = (identity: CallIdentity): string =>
  Buffer.from(
    JSON.stringify([identity.caller_id_number, identity.caller_id_name, identity.destination_number]),
  ).toString('base64url');

/** The identity that a channel was tagged with; undefined without one. */
export function taggedIdentity(data: ChannelData): CallIdentity | undefined {
  const encoded = variable(data, IDENTITY_VARIABLE);
  if (encoded === '') return undefined;
  try {
    const parsed = z
      .tuple([z.string(), z.string(), z.string()])
      .safeParse(JSON.parse(Buffer.from(encoded, 'base64url').toString('utf8')));
    if (!parsed.success) return undefined;
    const [caller_id_number, caller_id_name, destination_number] = parsed.data;
    return { caller_id_number, caller_id_name, destination_number };
  } catch {
    return undefined;
  }
}

/** What the agent knows of the caller when it carries out a decision. */
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
