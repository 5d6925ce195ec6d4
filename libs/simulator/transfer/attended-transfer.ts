import { setTransferSource } from '#libs/simulator/dialplan/blind-transfer.ts';
import type { Channel } from '#libs/simulator/switch/channel.ts';
import { isTrue } from '#libs/simulator/switch/switch-strings.ts';
import { uuidBridge } from './uuid-bridge.ts';

const PARK_MS = 2000;

/**
 * REFER with Replaces (sofia_handle_sip_i_refer in sofia.c): the transferor has leg `first` of one call and leg
 * `consultation` of another, both answered. The other parties of both are bridged. The transferor's legs end as after any
 * bridge, but FreeSWITCH parks the second one for two seconds first, unless hangup_after_bridge is set.
 * @returns false if one of the legs has no other party.
 */
export function attendedTransfer(first: Channel, consultation: Channel): boolean {
  const transferee = first.partner;
  const target = consultation.partner;
  first.set('refer_uuid', consultation.uuid);
  consultation.set('transfer_disposition', 'replaced');
  if (transferee === undefined || target === undefined) return false;
  first.set('transfer_to', `att:${target.uuid}`);
  target.set('transfer_disposition', 'bridge');
  for (const one of [target, transferee])
    setTransferSource(one, `att_xfer:${addressOf(first)}/${addressOf(one)}`);
  uuidBridge(transferee, target);
  consultation.set('endpoint_disposition', 'ATTENDED_TRANSFER');
  if (!isTrue(consultation.variables.get('hangup_after_bridge')))
    consultation.interrupt?.(() => park(consultation));
  return true;
}

/** USER@HOST of the party of a channel. */
function addressOf({ profile, variables }: Channel): string {
  const header = profile.direction === 'inbound' ? 'from' : 'to';
  return `${variables.get(`sip_${header}_user`)}@${variables.get(`sip_${header}_host`)}`;
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
