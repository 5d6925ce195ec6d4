import type { Channel } from '#libs/simulator/switch/channel.ts';
import { attendedTransfer } from '#libs/simulator/transfer/attended-transfer.ts';
import { parseAddress } from './message.ts';

/**
 * REFER from the party of `transferor` (sofia_handle_sip_i_refer in sofia.c).
 * @returns whether the other party was transferred; undefined if Refer-To names no extension, which changes nothing.
 */
export function refer(
  transferor: Channel,
  referTo: string,
  referredBy: string | undefined,
): boolean | undefined {
  const { user, parameters } = parseAddress(referTo);
  transferor.set('transfer_disposition', 'recv_replace');
  const replaces = /[?&]Replaces=([^&>]*)/i.exec(parameters)?.[1];
  if (replaces !== undefined) {
    const [callId = ''] = decodeURIComponent(replaces).split(';');
    const consultation = transferor.host.channels.get(callId);
    return consultation !== undefined && attendedTransfer(transferor, consultation);
  }
  return user === '' ? undefined : blindRefer(transferor, user, referTo, referredBy);
}

/** Routes the other party to extension `to` of its own context. The transferor's leg ends as after any bridge. */
function blindRefer(
  transferor: Channel,
  to: string,
  referTo: string,
  referredBy: string | undefined,
): boolean {
  const transferee = transferor.partner;
  transferor.set('transfer_to', `blind:${transferee?.uuid ?? to}`);
  transferor.set('transfer_destination', `blind:${to}`);
  if (transferee?.transferTo === undefined) {
    transferor.set('endpoint_disposition', 'ATTENDED_TRANSFER_ERROR');
    return false;
  }
  if (referredBy !== undefined) transferee.set('sip_h_Referred-By', referredBy);
  transferee.set('sip_refer_to', referTo);
  transferor.set('endpoint_disposition', 'BLIND_TRANSFER');
  transferee.transferTo(to, undefined);
  return true;
}
