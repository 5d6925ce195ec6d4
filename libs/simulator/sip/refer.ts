import type { Channel } from '#libs/simulator/switch/channel.ts';

/**
 * REFER without Replaces from the party of `transferor` (sofia_handle_sip_i_refer in sofia.c): routes the other party
 * to extension `to` of its own context. The transferor's leg ends as after any bridge.
 */
export function blindRefer(transferor: Channel, to: string): void {
  const transferee = transferor.partner;
  if (transferee?.transferTo === undefined) return;
  transferor.set('transfer_disposition', 'recv_replace');
  transferor.set('transfer_to', `blind:${transferee.uuid}`);
  transferor.set('transfer_destination', `blind:${to}`);
  transferor.set('endpoint_disposition', 'BLIND_TRANSFER');
  transferee.set('sip_refer_to', `<sip:${to}@127.0.0.1>`);
  transferee.transferTo(to, undefined);
}
