import type { Channel, Direction, Party } from '#libs/simulator/switch/channel.ts';
import { updateIdentity } from '#libs/simulator/switch/display.ts';
import { checkDecode } from '#libs/simulator/switch/switch-strings.ts';
import { addedHeaders, keepHeaders } from './custom-headers.ts';
import type { SipDialog } from './dialog.ts';
import { FREESWITCH_HOST } from './freeswitch-host.ts';
import { displayHeaders, identityOfRecovery } from './identity.ts';
import { type Header, headerOf, parseAddress, sdp } from './message.ts';
import { refer } from './refer.ts';
import { reasonHeader } from './sip-status.ts';

/** RTP ports: any two that differ. */
export const PORTS = { freeswitch: 30_000, caller: 40_000, called: 40_002 };

/** User agents that get display updates in UPDATE (mod_sofia.c). */
const TAKES_UPDATE =
  /poly|aastra(?!.*intelligate)|cisco\/spa(?:50|525|30)|fanvil|grandstream|ringotel|groundwire|yealink|mitel|panasonic/i;
/** From this version on, a snom takes the identity as From in its INFO. */
const SNOM_WITH_FROM = 80_424;

/** The party of a leg, and its requests within the dialog. */
export class LegParty implements Party {
  readonly bye: () => void;
  readonly #channel: Channel;
  readonly #dialog: SipDialog;
  #takesDisplay = false;
  #shown = '';

  /** `bye` ends the dialog by the party. */
  constructor(channel: Channel, dialog: SipDialog, bye: () => void) {
    this.#channel = channel;
    this.#dialog = dialog;
    this.bye = bye;
  }

  /** Its device is a FreeSWITCH (X-FS-Support: update_display). */
  get takesDisplay(): boolean {
    return this.#takesDisplay;
  }

  /** Learns what the device is from the headers of its INVITE or of its responses. */
  learn(headers: readonly Header[]): void {
    const agent = headerOf(headers, 'User-Agent') ?? headerOf(headers, 'Server');
    const allow = headerOf(headers, 'Allow');
    if (agent !== undefined) this.#channel.set('sip_user_agent', agent);
    if (allow !== undefined) this.#channel.set('sip_allow', allow);
    if (/update_display/i.test(headerOf(headers, 'X-FS-Support') ?? '')) this.#takesDisplay = true;
  }

  refer(referTo: string, referredBy: string | undefined): void {
    const from: Header[] = referredBy === undefined ? [] : [['Referred-By', referredBy]];
    this.#dialog.partyRequest('REFER', { headers: [['Refer-To', referTo], ...from] });
    this.#dialog.response('REFER', 202);
    const accepted = refer(this.#channel, referTo, referredBy);
    if (accepted === undefined) return;
    const body = accepted ? 'SIP/2.0 200 OK\r\n' : 'SIP/2.0 403 Forbidden\r\n';
    this.#dialog.request('NOTIFY', { headers: [['Event', 'refer']], body });
    this.#dialog.partyResponse('NOTIFY', 200);
  }

  update(headers: readonly Header[]): void {
    this.#dialog.partyRequest('UPDATE', { headers });
    this.#dialog.response('UPDATE', 200);
    if (this.#channel.up) updateIdentity(this.#channel, assertedBy(headers), true);
  }

  reinvite(headers: readonly Header[], direction: Direction): void {
    this.#dialog.partyRequest('INVITE', { headers, body: `${sdp(PORTS.caller)}a=${direction}\r\n` });
    if (this.#channel.up) keepHeaders(this.#channel, headers, 'sip_h_');
    this.#dialog.response('INVITE', 200, { body: sdp(PORTS.freeswitch) });
    this.#dialog.partyRequest('ACK');
  }

  info(headers: readonly Header[]): void {
    this.#dialog.partyRequest('INFO', { headers });
    this.#dialog.response('INFO', 200);
  }

  dtmf(digits: string): void {
    if (this.#channel.up) this.#channel.dtmf.type(digits);
  }

  show(shown: string, number: string): void {
    const name = checkDecode(shown);
    if (!this.#channel.answered || this.#shown === `${name} ${number}`) return;
    this.#shown = `${name} ${number}`;
    const agent = this.#channel.variables.get('sip_user_agent') ?? '';
    const allow = this.#channel.variables.get('sip_allow') ?? '';
    if (this.#takesDisplay) this.#send('INFO', displayHeaders(name, number));
    else if (/snom/i.test(agent)) this.#send('INFO', [], sipfrag(agent, name, number));
    else if (/UPDATE/i.test(allow) && TAKES_UPDATE.test(agent))
      this.#send('UPDATE', [['P-Asserted-Identity', `"${name}" <sip:${number}@${FREESWITCH_HOST}>`]]);
  }

  recover(channel: Channel): Party {
    const dialog = this.#dialog;
    const party: LegParty = new LegParty(channel, dialog, () => {
      if (!channel.up) return;
      dialog.partyRequest('BYE');
      channel.set('sip_hangup_disposition', 'recv_bye');
      channel.set('sip_term_status', '200');
      channel.set('proto_specific_hangup_cause', 'sip:200');
      channel.hangup('NORMAL_CLEARING');
      dialog.response('BYE', 200);
    });
    party.#takesDisplay = this.#takesDisplay;
    channel.onEndpointHangup((cause) => {
      if (channel.variables.get('sip_hangup_disposition') !== undefined) return;
      channel.set('sip_hangup_disposition', 'send_bye');
      party.#send('BYE', [['Reason', reasonHeader(cause)]]);
    });
    const headers = [...identityOfRecovery(channel, FREESWITCH_HOST), ...addedHeaders(channel, 'sip_h_')];
    dialog.request('INVITE', { headers, body: sdp(PORTS.freeswitch) });
    dialog.partyResponse('INVITE', 200);
    dialog.request('ACK');
    return party;
  }

  #send(method: string, headers: readonly Header[], body = ''): void {
    this.#dialog.request(method, { headers, body });
    this.#dialog.partyResponse(method, 200);
  }
}

/** The identity that a party asserts in a message; empty texts without one. */
export function assertedBy(headers: readonly Header[]): { readonly name: string; readonly number: string } {
  const name = headerOf(headers, 'X-FS-Display-Name') ?? '';
  const number = headerOf(headers, 'X-FS-Display-Number') ?? '';
  if (name !== '' || number !== '') return { name, number };
  const header = headerOf(headers, 'P-Asserted-Identity') ?? headerOf(headers, 'Remote-Party-ID');
  if (header === undefined) return { name: '', number: '' };
  const { display, user } = parseAddress(header);
  return { name: display, number: user };
}

function sipfrag(agent: string, name: string, number: string): string {
  const [major = 0, minor = 0, patch = 0] = (/\/([\d.]+)/.exec(agent)?.[1] ?? '').split('.').map(Number);
  const identity = `"${name}" ${number}`;
  return major * 10_000 + minor * 100 + patch >= SNOM_WITH_FROM
    ? `From: ${identity}\r\nTo:\r\n`
    : `From:\r\nTo: ${identity}\r\n`;
}
