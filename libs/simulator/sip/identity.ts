import { NO_PRIVACY, type Privacy } from '#libs/simulator/switch/caller-profile.ts';
import type { Channel } from '#libs/simulator/switch/channel.ts';
import { checkDecode, sanitizeNumber } from '#libs/simulator/switch/switch-strings.ts';
import { type Header, headerOf, parseAddress } from './message.ts';

const isSet = (text: string | undefined): text is string => text !== undefined && text !== '';

/** The identity of a caller by the headers of its INVITE. */
export interface InboundIdentity {
  readonly number: string;
  readonly name: string;
  readonly privacy: Privacy;
  /** sip_cid_type and the variables with the headers. */
  readonly variables: readonly (readonly [string, string])[];
}

const HIDDEN: Privacy = { ...NO_PRIVACY, hideName: true, hideNumber: true };

function privacyOf(headers: readonly Header[]): Privacy {
  const rpid = headerOf(headers, 'Remote-Party-ID') ?? '';
  const [, asked = ''] = /;privacy=(\w+)/i.exec(rpid) ?? [];
  const screen = !/;screen=no/i.test(rpid);
  const values = (headerOf(headers, 'Privacy') ?? '').split(/[;,]/).map((value) => value.trim());
  if (values.includes('id') || /^(?:yes|full)$/i.test(asked)) return { ...HIDDEN, screen };
  return {
    hideName: asked.toLowerCase() === 'name',
    hideNumber: asked.toLowerCase() === 'number',
    screen,
  };
}

/** Of several headers the last of these counts (sofia_handle_sip_i_invite in sofia.c). */
const IDENTITIES = [
  ['Remote-Party-ID', 'rpid'],
  ['P-Asserted-Identity', 'pid'],
  ['P-Preferred-Identity', 'pid'],
] as const;

/** `from` are number and name of the caller's From. */
export function inboundIdentity(
  from: { readonly number: string; readonly name: string },
  headers: readonly Header[],
): InboundIdentity {
  let { number, name } = from;
  const variables = new Map<string, string>();
  for (const [header, type] of IDENTITIES) {
    const value = headerOf(headers, header);
    if (value === undefined) continue;
    const { display, ...address } = parseAddress(value);
    const [, tel] = /<?tel:([^>]*)/i.exec(value) ?? [];
    const user = tel ?? address.user;
    number = user.split(';')[0] || number;
    name = display || name;
    if (user !== '') variables.set(`sip_${header}`, header === 'P-Asserted-Identity' ? user : value);
    variables.set('sip_cid_type', type);
  }
  const privacy = headerOf(headers, 'Privacy');
  if (privacy !== undefined) variables.set('sip_Privacy', privacy);
  return { number, name, privacy: privacyOf(headers), variables: [...variables] };
}

/** origination_privacy: the flags of a called leg instead of those of its caller (switch_ivr_originate.c). */
export const parsePrivacy = (setting: string): Privacy => ({
  screen: /screen/i.test(setting),
  hideName: /hide_name/i.test(setting),
  hideNumber: /hide_number/i.test(setting),
});

/** The caller's identity in the INVITE of a called leg (sofia_glue_do_invite in sofia_glue.c). */
export function identityOfInvite(channel: Channel, host: string): Header[] {
  const { callerIdName, callerIdNumber } = channel.profile;
  const from = channel.variables.get('sip_from_uri');
  const domain = from === undefined ? host : parseAddress(from).host;
  return identityHeaders(channel, `"${checkDecode(callerIdName)}" <sip:${callerIdNumber}@${domain}>`);
}

/** The other party's identity in the INVITE of `sofia recover`, in the same function. */
export function identityOfRecovery(channel: Channel, host: string): Header[] {
  const { profile, variables } = channel;
  if (profile.direction === 'outbound') return identityOfInvite(channel, host);
  const set = (...names: string[]): string | undefined =>
    names.map((name) => variables.get(name)).find(isSet);
  const name =
    set('effective_callee_id_name', 'sip_callee_id_name', 'sip_to_display', 'sip_to_user') ??
    (profile.calleeIdName || profile.callerIdName);
  const number =
    set('effective_callee_id_number', 'sip_callee_id_number', 'sip_to_user') ??
    (profile.calleeIdNumber || profile.callerIdNumber);
  return identityHeaders(channel, `"${checkDecode(name)}" <sip:${number}@${host}>`);
}

function identityHeaders(channel: Channel, address: string): Header[] {
  const { privacy } = channel.profile;
  switch (channel.variables.get('sip_cid_type') ?? 'rpid') {
    case 'pid':
      return [
        [privacy.screen ? 'P-Asserted-Identity' : 'P-Preferred-Identity', address],
        ['Privacy', privacy.hideNumber ? 'id' : 'none'],
      ];
    case 'rpid': {
      const hidden = privacy.hideNumber ? 'full' : privacy.hideName ? 'name' : 'off';
      const screen = privacy.screen ? 'yes' : 'no';
      return [['Remote-Party-ID', `${address};party=calling;screen=${screen};privacy=${hidden}`]];
    }
    default:
      return [];
  }
}

/** From of that INVITE: sip_invite_from_uri or sip_from_uri, and sip_from_display, replace the caller's number and name. */
export function fromOfInvite({ profile, variables }: Channel, host: string): string {
  const uri =
    variables.get('sip_invite_from_uri') ??
    variables.get('sip_from_uri') ??
    `${profile.callerIdNumber}@${host}`;
  const name = variables.get('sip_from_display') ?? profile.callerIdName;
  return `"${checkDecode(name)}" <sip:${uri.replace(/^sip:/i, '')}>`;
}

/**
 * The called party's identity in a response to the caller (generate_pai_str in mod_sofia.c). `takesDisplay`: the caller
 * is a FreeSWITCH.
 */
export function identityOfResponse(channel: Channel, host: string, takesDisplay: boolean): Header[] {
  const shown = (field: 'name' | 'number'): string | undefined =>
    ['initial', 'effective', 'sip']
      .map((origin) => channel.variables.get(`${origin}_callee_id_${field}`))
      .find(isSet);
  const { calleeIdName, calleeIdNumber, destinationNumber } = channel.profile;
  const number = sanitizeNumber(shown('number') ?? (calleeIdNumber || destinationNumber));
  const name = checkDecode(sanitizeNumber(shown('name') ?? (calleeIdName || number)));
  const rpid = channel.variables.get('sip_cid_type') !== 'pid';
  const uri = `sip:${number}@${host}`;
  const address = `"${name}" <${uri}>`;
  const header: Header = rpid
    ? ['Remote-Party-ID', `${address};party=calling;privacy=off;screen=no`]
    : ['P-Asserted-Identity', address];
  return takesDisplay ? [header, ...displayHeaders(name, uri)] : [header];
}

/** The headers that a FreeSWITCH at the other side takes in place of P-Asserted-Identity. */
export const displayHeaders = (name: string, number: string): Header[] => [
  ['X-FS-Display-Name', name],
  ['X-FS-Display-Number', number],
];
