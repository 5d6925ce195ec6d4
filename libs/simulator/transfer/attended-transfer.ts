import type { Channel } from '#libs/simulator/switch/channel.ts';
import { uuidBridge } from './uuid-bridge.ts';

const PARK_MS = 2000;

/**
 * REFER with Replaces (sofia_handle_sip_i_refer in sofia.c): the transferor has leg `first` of one call and leg
 * `consultation` of another, both answered. Their other parties are bridged; FreeSWITCH ends the transferor's legs, the
 * second one after it has been parked for two seconds.
 */
export function attendedTransfer(first: Channel, consultation: Channel): void {
  const transferee = first.partner;
  const target = consultation.partner;
  if (transferee === undefined || target === undefined) return;
  first.set('transfer_disposition', 'recv_replace');
  first.set('refer_uuid', consultation.uuid);
  first.set('transfer_to', `att:${target.uuid}`);
  target.set('transfer_disposition', 'bridge');
  consultation.set('transfer_disposition', 'replaced');
  consultation.set('endpoint_disposition', 'ATTENDED_TRANSFER');
  uuidBridge(transferee, target);
  consultation.interrupt?.(() => park(consultation));
}

function park(channel: Channel): Promise<void> {
  return new Promise((resolve) => {
    const cancel = channel.host.clock.after(PARK_MS, () => channel.hangup('ATTENDED_TRANSFER'));
    channel.onBreak(() => {
      cancel();
      resolve();
    });
  });
}
