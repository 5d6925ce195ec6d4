import { randomUUID } from 'node:crypto';
import { microseconds } from '#libs/simulator/clock.ts';
import type { Channel } from '#libs/simulator/switch/channel.ts';
import { integer } from '#libs/simulator/switch/switch-strings.ts';

/** The changes to a channel that is routed again (switch_ivr_session_transfer). Without a context it keeps its own. */
export function blindTransfer(channel: Channel, destination: string, context: string | undefined): void {
  const { profile } = channel;
  channel.set('max_forwards', String(integer(channel.variables.get('max_forwards') ?? '71') - 1));
  profile.rdnis = profile.destinationNumber;
  profile.destinationNumber = destination;
  profile.context = context ?? profile.context;
  profile.times.bridged = 0;
  channel.other = undefined;
  const bridged = channel.host.channels.get(channel.variables.get('bridge_to') ?? '');
  for (const one of [bridged, channel]) one?.set('signal_bond', undefined);
  if (profile.direction === 'outbound') flipCallerId(channel);
  setTransferSource(channel, `bl_xfer:${destination}/${profile.context}/XML`);
}

/** A called leg that enters the dialplan becomes the caller: its caller id is what was its callee id, and vice versa. */
function flipCallerId(channel: Channel): void {
  if (channel.dialplan) return;
  channel.dialplan = true;
  const { profile } = channel;
  const { callerIdName, callerIdNumber } = profile;
  channel.set('pre_transfer_caller_id_name', callerIdName);
  channel.set('pre_transfer_caller_id_number', callerIdNumber);
  profile.callerIdName = profile.calleeIdName ?? '';
  profile.callerIdNumber = profile.calleeIdNumber ?? '';
  profile.calleeIdName = callerIdName;
  profile.calleeIdNumber = callerIdNumber;
}

/** `kind` is bl_xfer:EXTENSION/CONTEXT/DIALPLAN or uuid_br:UUID. */
export function setTransferSource(channel: Channel, kind: string): void {
  const seconds = Math.floor(microseconds(channel.host.clock) / 1_000_000);
  const source = `${seconds}:${randomUUID()}:${kind}`;
  channel.profile.transferSource = source;
  channel.variables.push('transfer_history', source);
  channel.set('transfer_source', source);
}
