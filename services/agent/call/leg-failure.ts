import { wholeNumber } from '#libs/esl/whole-number.ts';
import { type ChannelData, channelTime, header, variable } from './channel-data.ts';

/** The failure of a called leg. Fields that do not apply are undefined. */
export interface LegFailure {
  readonly cause: string;
  /** SIP status with which the called party refused or redirected. */
  readonly sip_status?: number;
  readonly sip_phrase?: string;
  readonly sip_reason?: string;
  readonly redirect_to?: string;
}

const URI = /<([^>]*)>/;
const MAX_CONTACTS = 20;

/** Preference of a contact, 0 to 1 (RFC 3261, section 20.10). */
const preference = (contact: string): number => Number(/>\s*;(?:.*;)?\s*q=([\d.]+)/i.exec(contact)?.[1] ?? 1);

/** The URI of the contact of a redirect that is preferred; of equal ones the first. `''` without a redirect. */
function redirectedTo(data: ChannelData): string {
  const contacts: string[] = [];
  for (let at = 0; at < MAX_CONTACTS; at++) {
    const contact = variable(data, `sip_redirect_contact_${at}`);
    if (contact === '') break;
    contacts.push(contact);
  }
  const [first = variable(data, 'sip_redirected_to'), ...others] = contacts;
  const best = others.reduce((one, other) => (preference(other) > preference(one) ? other : one), first);
  return URI.exec(best)?.[1] ?? best;
}
const MAX_TEXT = 256;

const given = <Name extends string>(name: Name, text: string): { [N in Name]?: string } =>
  text === '' ? {} : ({ [name]: text.slice(0, MAX_TEXT).toWellFormed() } as { [N in Name]?: string });

/**
 * Whether the called party responded with an error. FreeSWITCH also has a status when it could not send the INVITE
 * (sofia_handle_sip_i_state in sofia.c) or sofia-sip made the response itself: after a timeout, or when the host does not
 * resolve or refuses packets. Such a response has port 0.
 */
const isRefused = (data: ChannelData): boolean =>
  variable(data, 'sip_hangup_disposition') === 'recv_refuse' && variable(data, 'sip_reply_port') !== '0';

/**
 * Of legs that ring at once, FreeSWITCH ends all with PROGRESS_TIMEOUT when one of them had it (force_reason in
 * switch_ivr_originate.c).
 */
function ownCause(data: ChannelData): string {
  const cause = header(data, 'Hangup-Cause');
  if (cause !== 'PROGRESS_TIMEOUT') return cause;
  if (variable(data, 'group_dial_status') === 'loser') return 'LOSE_RACE';
  return channelTime(data, 'Progress') > 0 || channelTime(data, 'Progress-Media') > 0 ? 'NO_ANSWER' : cause;
}

/**
 * From CHANNEL_HANGUP_COMPLETE of a called leg. FreeSWITCH writes status 487 and phrase CANCEL when it cancels the leg
 * itself (send_cancel), also after a redirect that it does not follow: only sip:3xx says so then.
 */
export function legFailure(data: ChannelData): LegFailure {
  const cause = ownCause(data);
  const [, specific] = /^sip:([3-6]\d\d)$/.exec(variable(data, 'proto_specific_hangup_cause')) ?? [];
  if (variable(data, 'sip_hangup_disposition') === 'send_cancel') {
    const redirect = redirectedTo(data);
    if (specific === undefined || (redirect === '' && !specific.startsWith('3'))) return { cause };
    return {
      cause,
      sip_status: Number(specific),
      ...given('redirect_to', redirect),
    };
  }
  const status = wholeNumber(specific ?? variable(data, 'sip_invite_failure_status'), 699);
  if (!isRefused(data) || status === undefined || status < 300) return { cause };
  return {
    cause,
    sip_status: status,
    ...given('sip_phrase', variable(data, 'sip_invite_failure_phrase')),
    ...given('sip_reason', variable(data, 'sip_reason')),
  };
}
