import type { Channel } from '#libs/simulator/switch/channel.ts';
import { isTrue } from '#libs/simulator/switch/switch-strings.ts';
import { type Address, parseAddress } from './message.ts';

/** The statuses that FreeSWITCH follows; any other 3xx is a refusal. */
export const isRedirect = (status: number): boolean => [300, 301, 302, 305].includes(status);

/** FreeSWITCH sets no variable to text that it would expand (switch_string_var_check in switch_utils.h). */
const storable = (text: string): string | undefined => (text.includes('${') ? undefined : text);

/**
 * Handles a redirect like FreeSWITCH (sofia_handle_sip_r_invite in sofia.c): fails the leg if outbound_redirect_fatal is
 * set; transfers the caller leg into the dialplan if the Contact names one of its own domains; otherwise sends the
 * INVITE to the Contact.
 */
export function redirect(
  channel: Channel,
  status: number,
  uri: string,
  actions: { readonly ownDomain: (host: string) => boolean; readonly resend: (contact: Address) => void },
): void {
  const contact = parseAddress(uri);
  const caller = channel.partner;
  const fatal = isTrue(channel.get('outbound_redirect_fatal'));
  for (const one of fatal ? [channel] : [channel, caller]) {
    if (one === undefined) continue;
    if (fatal || one === caller) one.set('sip_redirect_contact_0', storable(`<${uri}>`));
    one.set('sip_redirected_to', storable(`<${uri}>`));
    one.set('sip_redirect_contact_user_0', storable(contact.user));
    one.set('sip_redirect_contact_host_0', contact.host.split(':', 1)[0]);
  }
  if (fatal) {
    channel.set('proto_specific_hangup_cause', `sip:${status}`);
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
