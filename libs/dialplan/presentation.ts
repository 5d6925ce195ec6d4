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
  /** Further variables of the caller leg, which a transfer does not unset: it is shown no later party's number either. */
  readonly callerDisplay: Settings;
  readonly calledLegs: Variables;
}

/** Number and name of a caller that withholds them (RFC 3323). */
export const WITHHELD = { number: 'anonymous', name: 'Anonymous' } as const;
const MAX_LENGTH = 256;

/** Control characters and line ends, and their escapes, which FreeSWITCH decodes in a display name. */
const LINE_END = /[\p{Cc}\u2028\u2029]|%(?:[01][0-9a-f]|7f)/iu;

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

/**
 * What must not stand in the user part of a SIP URI: FreeSWITCH decodes the number in From, cuts it at `:`, `/` and `@`, and
 * writes it into the headers of its INVITE without encoding it again.
 */
const NOT_IN_URI = /%(?:[01][0-9a-f]|7f)|%(?![0-9a-f]{2})|[\p{Cc}\u2028\u2029\s"<>\\^`{|}[\]:/@]/giu;

const inUri = (number: string): string => number.replaceAll(NOT_IN_URI, '');

/** A number without characters that FreeSWITCH expands or that end a URI. */
const safeNumber = (number: string): string => inUri(safe(number));

/** Separators at which FreeSWITCH cuts a name (switch_sanitize_number in switch_utils.h), and the percent sign. */
const SEPARATOR = /[%:/@]/g;

/** A name as FreeSWITCH needs it: it decodes escapes once, after the cut (check_decode in mod_sofia.h). */
const escaped = (name: string): string =>
  name.replaceAll(SEPARATOR, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);

/** Whether FreeSWITCH would show another text than this. */
const isChanged = (name: string): boolean => LINE_END.test(name) || escaped(name) !== name;

/** A withheld caller: the called party gets neither the number nor an asserted identity. */
const HIDDEN: Variables = {
  origination_caller_id_number: WITHHELD.number,
  origination_caller_id_name: WITHHELD.name,
  origination_privacy: 'hide_name:hide_number',
  sip_cid_type: 'none',
};

/**
 * The network gets the number in P-Asserted-Identity with `Privacy: id`; From is anonymous (RFC 3325). FreeSWITCH takes
 * the domain of P-Asserted-Identity from sip_from_uri, but not from sip_invite_from_uri (sofia_glue_do_invite in
 * sofia_glue.c): it stays that of the gateway or of the profile.
 */
const assertedOnly = (number: string, name: string): Variables => ({
  origination_caller_id_number: number,
  origination_caller_id_name: name,
  origination_privacy: 'screen:hide_name:hide_number',
  sip_cid_type: 'pid',
  sip_invite_from_uri: 'sip:anonymous@anonymous.invalid',
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
 * nothing. FreeSWITCH would show an asserted number instead of the one in From. A withheld caller is shown only a number
 * that the decision names.
 */
export function callerShown(caller: CallerFacts, id: CallerId | undefined): Variables {
  const { number, name, privacy = 'none' } = id ?? {};
  const isNumberHidden = number === undefined && caller.withheld;
  if (privacy === 'full' || (privacy === 'none' && isNumberHidden)) return HIDDEN;
  const isMentioned = number !== undefined || name !== undefined || id?.privacy !== undefined;
  const isFrom = caller.asserted === '' || caller.asserted === caller.number;
  if (!isMentioned && isFrom) {
    // FreeSWITCH would cut the name, or write a line end of a name or number into the headers of its INVITE.
    return {
      ...(isChanged(caller.name)
        ? { origination_caller_id_name: escaped(safe(caller.name)) || 'unknown' }
        : {}),
      ...(inUri(caller.number) === caller.number
        ? {}
        : { origination_caller_id_number: safeNumber(caller.number) || WITHHELD.number }),
    };
  }
  const own = caller.withheld && caller.asserted !== '' ? caller.asserted : caller.number;
  const display = number ?? (safeNumber(own) || WITHHELD.number);
  const ownName = number === undefined && !caller.withheld ? safe(caller.name) : '';
  const shownName = escaped(quotable(name ?? ownName) || display);
  return privacy === 'id' ? assertedOnly(display, shownName) : shown(display, shownName);
}

/** Whether `caller_id` of a decision chooses a number or a name. */
export const isCallerChosen = (id: CallerId | undefined): boolean =>
  id?.number !== undefined || id?.name !== undefined;

/** The variables that `callerShown` sets. */
const CALLER_VARIABLES: ReadonlySet<string> = new Set(
  [HIDDEN, assertedOnly('', '')].flatMap((variables) => Object.keys(variables)),
);

/** Variables of called legs without the presentation of the caller. */
export const withoutCaller = (variables: Variables): Variables =>
  Object.fromEntries(Object.entries(variables).filter(([name]) => !CALLER_VARIABLES.has(name)));

/** The caller number and name that a dial string itself has among its variables, and the other variables. */
export function takeCallerId(variables: Variables): { id: CallerId | undefined; rest: Variables } {
  const { origination_caller_id_number: number, origination_caller_id_name: name, ...rest } = variables;
  if (number === undefined && name === undefined) return { id: undefined, rest };
  return {
    id: { ...(number ? { number } : {}), ...(name ? { name } : {}) },
    rest,
  };
}

/**
 * The `caller_id` of each leg of a group. A number or name in the braces of a dial string replaces that of the decision;
 * one in the brackets of a leg counts when neither is given.
 */
export function callerIdsOf(
  {
    variables,
    legs,
  }: { readonly variables: Variables; readonly legs: readonly { readonly variables: Variables }[] },
  id: CallerId | undefined,
): (CallerId | undefined)[] {
  const own = takeCallerId(variables).id;
  if (own !== undefined || isCallerChosen(id)) return legs.map(() => ({ ...id, ...own }));
  return legs.map((leg) => ({ ...id, ...takeCallerId(leg.variables).id }));
}

/**
 * Variables that each leg gets when it is bridged with the caller leg, before FreeSWITCH updates the displays
 * (check_bridge_export in switch_ivr_bridge.c). Otherwise a phone that picks the call up, or that a transfer connects,
 * would be shown the number of the caller.
 */
export const BRIDGE_EXPORTS = 'bridge_export_vars';
const NO_UPDATES = 'ignore_display_updates';

/**
 * BRIDGE_EXPORTS of a caller leg that has the value `current`: nothing to set when an earlier decision has set it. A
 * transfer does not unset it.
 */
export const bridgeExports = (current: string): Settings =>
  current.split(',').includes(NO_UPDATES) ? {} : { [BRIDGE_EXPORTS]: `${NO_UPDATES},\${${BRIDGE_EXPORTS}}` };

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
  const number = settings.callee_id?.number ?? (safeNumber(caller.dialled) || 'unknown');
  const name = escaped(safe(settings.callee_id?.name ?? '') || number);
  const headers = settings.pass_headers ? {} : { sip_copy_custom_headers: 'false' };
  return {
    callerLeg: headers,
    callerDisplay: {
      initial_callee_id_number: number,
      initial_callee_id_name: name,
      [NO_UPDATES]: 'true',
    },
    calledLegs: {
      ...headers,
      origination_callee_id_number: number,
      origination_callee_id_name: name,
      [NO_UPDATES]: 'true',
      ...callerShown(caller, settings.caller_id),
    },
  };
}
