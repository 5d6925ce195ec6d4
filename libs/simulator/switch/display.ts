import type { Channel } from './channel.ts';
import { isTrue } from './switch-strings.ts';

/** switch_channel_inbound_display: the party of the channel is the caller, also after a transfer. */
const isCaller = ({ profile, dialplan }: Channel): boolean => profile.direction === 'inbound' || dialplan;

/**
 * Tells the party of a channel whom it talks to (switch_core_session_perform_receive_message with
 * SWITCH_MESSAGE_INDICATE_DISPLAY). ignore_display_updates stops it.
 */
export function display(channel: Channel, name: string, number: string): void {
  if (name !== '') channel.set('last_sent_callee_id_name', name);
  if (number !== '') channel.set('last_sent_callee_id_number', number);
  if (isTrue(channel.variables.get('ignore_display_updates')) || !channel.up || name === '') return;
  channel.party?.show(name, number);
}

/** Tells both parties of a bridge whom they talk to (switch_ivr_bridge_display). `a` is the originator. */
export function displayBridge(a: Channel, b: Channel): void {
  const number = b.profile.callerIdNumber || a.profile.callerIdNumber || 'UNKNOWN';
  display(b, b.profile.callerIdName || a.profile.callerIdName || number, number);
  const calleeNumber = b.profile.calleeIdNumber || b.profile.destinationNumber;
  display(a, b.profile.calleeIdName || calleeNumber, calleeNumber);
}

/** The identity that a party asserts in a message: replaces the one that its channel has (sofia_update_callee_id). */
export function updateIdentity(
  channel: Channel,
  asserted: { readonly name: string; readonly number: string },
  send: boolean,
): void {
  if (isTrue(channel.variables.get('ignore_display_updates'))) return;
  const { profile } = channel;
  const caller = isCaller(channel);
  const [oldName = '', oldNumber = ''] = caller
    ? [profile.callerIdName, profile.callerIdNumber]
    : [profile.calleeIdName, profile.calleeIdNumber];
  const number = asserted.number || oldNumber || 'unknown';
  const name = asserted.name || oldName || number;
  if (name === oldName && number === oldNumber) return;
  if (caller) Object.assign(profile, { callerIdName: name, callerIdNumber: number });
  else Object.assign(profile, { calleeIdName: name, calleeIdNumber: number });
  if (send && channel.partner !== undefined) display(channel.partner, name, number);
}
