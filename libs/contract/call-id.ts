import { hash } from 'node:crypto';
import { isCallId } from './text.ts';

/** Maximum length of a uuid in FreeSWITCH, in bytes (SWITCH_UUID_FORMATTED_LENGTH in switch_apr.h). */
export const MAX_UUID_BYTES = 256;

/** A UUID of version 8 (RFC 9562). FreeSWITCH creates version 4. */
const DERIVED = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

function derivedId(uuid: string): string {
  const hex = hash('sha256', uuid, 'hex');
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 3) | 8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}

/** Whether an id is derived from FreeSWITCH's uuid, which cannot be read from it. */
export const isDerivedId = (id: string): boolean => DERIVED.test(id);

/**
 * The id of a leg from FreeSWITCH's uuid of its channel; the id of a call is that of its caller leg. With
 * `inbound-use-callid-as-uuid` the caller chooses the uuid, which can then be any text without white space.
 *
 * A safe uuid is its own id. The id of any other is a UUID of version 8 with a hash of it, so that every agent of the
 * node derives the same one. A uuid that looks like a derived id is hashed too: no caller can choose the id of another
 * call. `''` stays `''`.
 */
export const callIdOf = (uuid: string): string =>
  uuid === '' || (isCallId(uuid) && !DERIVED.test(uuid)) ? uuid : derivedId(uuid);

/** The id that an operator means: an id, or FreeSWITCH's uuid of a caller leg. */
export const callIdFrom = (text: string): string => (isCallId(text) ? text : callIdOf(text));
