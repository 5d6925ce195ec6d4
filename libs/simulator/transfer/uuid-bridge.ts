import { setTransferSource } from '#libs/simulator/dialplan/blind-transfer.ts';
import { bridgeChannels } from '#libs/simulator/originate/bridge-channels.ts';
import type { CallerProfile } from '#libs/simulator/switch/caller-profile.ts';
import type { Channel } from '#libs/simulator/switch/channel.ts';

/**
 * Ends what two channels do and bridges them (switch_ivr_uuid_bridge). The bridge runs in the thread of the originator;
 * the originatee waits in its own until it is hung up.
 * @returns false if one of them cannot be bridged.
 */
export function uuidBridge(originator: Channel, originatee: Channel): boolean {
  if (originator.interrupt === undefined || originatee.interrupt === undefined) return false;
  if (originator.profile.direction === 'outbound' && !originator.dialplan) {
    originator.dialplan = true;
    swapCallerId(originator.profile);
  }
  if (originatee.profile.direction === 'inbound') swapCallerId(originatee.profile);
  for (const [one, other] of [
    [originator, originatee],
    [originatee, originator],
  ] as const) {
    one.set('bridge_channel', other.profile.channelName);
    one.set('bridge_uuid', other.uuid);
    one.set('signal_bond', other.uuid);
    one.set('originate_signal_bond', undefined);
    setTransferSource(one, `uuid_br:${other.uuid}`);
  }
  const copy = (profile: CallerProfile): CallerProfile => ({ ...profile, times: { ...profile.times } });
  originatee.other = { type: 'originator', profile: copy(originator.profile) };
  originator.other = { type: 'originatee', profile: copy(originatee.profile) };
  originator.profile.calleeIdName = originatee.profile.calleeIdName;
  originator.profile.calleeIdNumber = originatee.profile.calleeIdNumber;
  originatee.profile.callerIdName = originator.profile.callerIdName;
  originatee.profile.callerIdNumber = originator.profile.callerIdNumber;
  originatee.interrupt(() => untilHangup(originatee));
  originator.interrupt(() => {
    // CS_SOFT_EXECUTE: the event socket filters of an agent let its CHANNEL_BRIDGE pass.
    originator.state = 'CS_SOFT_EXECUTE';
    return bridgeChannels(originator, originatee, () => {});
  });
  return true;
}

function swapCallerId(profile: CallerProfile): void {
  const { callerIdName, callerIdNumber } = profile;
  profile.callerIdName = profile.calleeIdName ?? '';
  profile.callerIdNumber = profile.calleeIdNumber ?? '';
  profile.calleeIdName = callerIdName;
  profile.calleeIdNumber = callerIdNumber;
}

const untilHangup = (channel: Channel): Promise<void> =>
  new Promise((resolve) => {
    channel.onBreak(resolve);
  });
