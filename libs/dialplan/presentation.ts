import type { CalleeId, CallerId, Variables } from '#libs/contract/decision.ts';
import type { Settings } from './settings.ts';

/** Data of the caller when a decision is carried out. */
export interface CallerFacts {
  /** The number and name that the caller presents; `anonymous` when withheld. */
  readonly number: string;
  readonly name: string;
  readonly withheld: boolean;
  /** The number that the caller's network asserts; `''` without one. */
  readonly asserted: string;
  /** The number that the caller dialled. */
  readonly dialled: string;
}

/** The fields of a decision about presentation. */
export interface PresentationSettings {
  readonly caller_id?: CallerId | undefined;
  readonly callee_id?: CalleeId | undefined;
  readonly pass_headers: boolean;
}

/** The variables of a presentation, for the caller leg and for the called legs. */
export interface Presentation {
  readonly callerLeg: Settings;
  readonly calledLegs: Variables;
}

const WITHHELD = { number: 'anonymous', name: 'Anonymous' };
const MAX_LENGTH = 256;

/** FreeSWITCH reads a variable that starts with this as a list. */
const LIST = /^(?: *ARRAY::)+/;

/**
 * A display name that FreeSWITCH writes into a header as it is: no quote or backslash, which would end the quoted
 * string, and nothing that it decodes to a control character or splits at.
 */
const quotable = (text: string): string =>
  text
    .replaceAll(/%(?:[01][0-9a-f]|7f)/gi, ' ')
    .replaceAll(':_:', ' ')
    .replaceAll(/["\\]/g, ' ')
    .replace(LIST, '')
    .trim();

/** Display text without characters that FreeSWITCH expands, splits at or reads as a line end. */
const safe = (text: string): string =>
  quotable(text)
    .replaceAll("'", '’')
    .replaceAll(/[\p{Cc}\u2028\u2029$\\;"[\]{}<>|^,]/gu, ' ')
    .replace(LIST, '')
    .trim()
    .slice(0, MAX_LENGTH)
    .toWellFormed();

/** A withheld caller: the called party gets neither the number nor an asserted identity. */
const HIDDEN: Variables = {
  origination_caller_id_number: WITHHELD.number,
  origination_caller_id_name: WITHHELD.name,
  origination_privacy: 'hide_name:hide_number',
  sip_cid_type: 'none',
};

/** The network gets the number in P-Asserted-Identity with `Privacy: id`; From is anonymous (RFC 3325). */
const assertedOnly = (number: string, name: string): Variables => ({
  origination_caller_id_number: number,
  origination_caller_id_name: name,
  origination_privacy: 'screen:hide_name:hide_number',
  sip_cid_type: 'pid',
  sip_from_uri: 'anonymous@anonymous.invalid',
  sip_from_display: WITHHELD.name,
});

const shown = (number: string, name: string): Variables => ({
  origination_caller_id_number: number,
  origination_caller_id_name: name,
  // Replaces the privacy flags of the caller leg (switch_ivr_originate.c): a shown number is not sent as private.
  origination_privacy: 'screen',
});

/**
 * The presentation of the caller to the called party. Empty: FreeSWITCH's own presentation of a caller that withholds
 * nothing.
 */
function callerShown(caller: CallerFacts, id: CallerId | undefined): Variables {
  const { number, name, privacy = number === undefined && caller.withheld ? 'full' : 'none' } = id ?? {};
  if (privacy === 'full') return HIDDEN;
  const isMentioned = number !== undefined || name !== undefined || id?.privacy !== undefined;
  if (!isMentioned) {
    // FreeSWITCH decodes %0d%0a in a display name and writes the line end into the From header of its INVITE.
    const oneLine = safe(caller.name) || 'unknown';
    return /[\p{Cc}\u2028\u2029]/u.test(caller.name) ? { origination_caller_id_name: oneLine } : {};
  }
  const own = caller.withheld && caller.asserted !== '' ? caller.asserted : caller.number;
  const display = number ?? (safe(own) || WITHHELD.number);
  const ownName = number === undefined && !caller.withheld ? safe(caller.name) : '';
  const shownName = quotable(name ?? ownName) || display;
  return privacy === 'id' ? assertedOnly(display, shownName) : shown(display, shownName);
}

/**
 * The presentation of each party to the other. By default the caller sees the number it dialled, and the called party
 * the number that the caller presents; a decision can change both. FreeSWITCH reads them from:
 *
 * - initial_callee_id_*: Remote-Party-ID or P-Asserted-Identity of responses to the caller (generate_pai_str in
 *   mod_sofia.c);
 * - origination_callee_id_*: updates during the call, and the identity of a called party that stays when the caller
 *   transfers the call;
 * - ignore_display_updates: on the called legs the identity that the called party asserts (sofia_update_callee_id in
 *   sofia.c); on the caller leg every update during the call, such as the number of a phone that picks it up
 *   (switch_core_session_perform_receive_message in switch_core_session.c);
 * - sip_copy_custom_headers: X- headers, P-Charge-Info and Diversion, from the caller when set on the caller leg, from
 *   the called party when set on the called leg.
 */
export function presentation(caller: CallerFacts, settings: PresentationSettings): Presentation {
  const number = settings.callee_id?.number ?? (safe(caller.dialled) || 'unknown');
  const name = safe(settings.callee_id?.name ?? '') || number;
  const headers = settings.pass_headers ? {} : { sip_copy_custom_headers: 'false' };
  return {
    callerLeg: {
      ...headers,
      initial_callee_id_number: number,
      initial_callee_id_name: name,
      ignore_display_updates: 'true',
    },
    calledLegs: {
      ...headers,
      origination_callee_id_number: number,
      origination_callee_id_name: name,
      ignore_display_updates: 'true',
      ...callerShown(caller, settings.caller_id),
    },
  };
}
