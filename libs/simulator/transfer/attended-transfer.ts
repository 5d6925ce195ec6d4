import type { Channel } from '#libs/simulator/switch/channel.ts';
import { isTrue } from '#libs/simulator/switch/switch-strings.ts';
import { uuidBridge } from './uuid-bridge.ts';

const PARK_MS = 2000;

/**
 * REFER with Replaces (sofia_handle_sip_i_refer in sofia.c): the transferor has leg `first` of one call and leg
 * `consultation` of another, both answered. The other parties of both are bridged. The transferor's legs end as after any
 * bridge, but FreeSWITCH parks the second one for two seconds first, unless hangup_after_bridge is set.
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
  if (!isTrue(consultation.variables.get('hangup_after_bridge')))
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
