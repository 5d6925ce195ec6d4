import type { Channel } from '#libs/simulator/switch/channel.ts';
import { isTrue } from '#libs/simulator/switch/switch-strings.ts';

/** The parts of a SIP URI in a Contact. */
export interface Contact {
  readonly user: string;
  /** With its port if it has one. */
  readonly host: string;
}

export function parseContact(uri: string): Contact {
  const [user = '', host = ''] = uri
    .replace(/^sips?:/i, '')
    .split(';', 1)
    .join()
    .split('@');
  return { user, host };
}

/**
 * What FreeSWITCH does on a 302 (sofia_handle_sip_r_invite in sofia.c): fails the leg if outbound_redirect_fatal is
 * set; transfers the caller leg into the dialplan if the Contact names one of its own domains; otherwise sends the
 * INVITE to the Contact.
 */
export function redirect(
  channel: Channel,
  uri: string,
  actions: { readonly ownDomain: (host: string) => boolean; readonly resend: (contact: Contact) => void },
): void {
  const contact = parseContact(uri);
  const caller = channel.partner;
  const fatal = isTrue(channel.get('outbound_redirect_fatal'));
  for (const one of fatal ? [channel] : [channel, caller]) {
    if (one === undefined) continue;
    if (fatal || one === caller) one.set('sip_redirect_contact_0', `<${uri}>`);
    one.set('sip_redirected_to', `<${uri}>`);
    one.set('sip_redirect_contact_user_0', contact.user);
    one.set('sip_redirect_contact_host_0', contact.host.split(':', 1)[0]);
  }
  if (fatal) {
    channel.set('proto_specific_hangup_cause', 'sip:302');
    channel.hangup('REQUESTED_CHAN_UNAVAIL');
    return;
  }
  if (caller?.transferTo === undefined) return;
  const dialString = `sofia/${channel.variables.get('sofia_profile_name')}/${uri}`;
  for (const one of [channel, caller]) {
    one.set('sip_redirect_dialstring_0', dialString);
    one.set('sip_redirect_dialstring', dialString);
  }
  channel.set('sip_redirect_count', '1');
  if (actions.ownDomain(contact.host.split(':', 1)[0] ?? '')) {
    caller.transferTo(contact.user, undefined);
    channel.hangup('REDIRECTION_TO_NEW_DESTINATION');
  } else actions.resend(contact);
}
