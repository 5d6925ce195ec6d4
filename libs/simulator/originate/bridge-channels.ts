import { microseconds, Timers } from '#libs/simulator/clock.ts';
import type { Channel } from '#libs/simulator/switch/channel.ts';
import { displayBridge } from '#libs/simulator/switch/display.ts';
import { connectRecording, stopRecording } from '#libs/simulator/switch/recording.ts';
import { cancelScheduledHangup } from '#libs/simulator/switch/scheduled-hangup.ts';
import { separate } from '#libs/simulator/switch/switch-strings.ts';
import { startAnswerTimeout } from './answer-timeout.ts';

/**
 * Bridges two channels until one of them ends or is transferred (switch_ivr_multi_threaded_bridge). Runs in the thread
 * of `a`. When `a` leaves, `b` is hung up; when `b` is transferred, `a` continues. `answer` sends the answer of `b` to `a`.
 * FreeSWITCH runs the execute_on_pre_bridge hooks 0.2 s after it has connected the legs.
 */
export async function bridgeChannels(
  a: Channel,
  b: Channel,
  answer: () => void,
  runPreBridgeHooks: (channel: Channel) => void = () => {},
): Promise<void> {
  if (!a.ready || !b.up) {
    b.hangup('ORIGINATOR_CANCEL');
    return;
  }
  a.profile.calleeIdName = b.profile.calleeIdName;
  a.profile.calleeIdNumber = b.profile.calleeIdNumber;
  exportToBridge(b, a);
  exportToBridge(a, b);
  const now = microseconds(a.host.clock);
  a.profile.times.bridged = now;
  b.profile.times.bridged = now;
  const ids: [string, string][] = [
    ['Bridge-A-Unique-ID', a.uuid],
    ['Bridge-B-Unique-ID', b.uuid],
  ];
  a.fire('CHANNEL_BRIDGE', ids);
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const) {
    one.set('bridge_to', other.uuid);
    one.set('last_bridge_to', other.uuid);
    one.set('bridge_channel', other.profile.channelName);
    one.set('bridge_uuid', other.uuid);
    one.set('signal_bond', other.uuid);
  }
  a.bridgeRole = 'originator';
  b.bridgeRole = 'originatee';
  b.state = 'CS_EXCHANGE_MEDIA';
  for (const channel of [a, b]) {
    connectRecording(channel);
    runPreBridgeHooks(channel);
  }
  const left = await untilOneLeaves(a, b, answer);
  for (const channel of [a, b]) afterBridge(channel);
  if (left === a) b.hangup(b.answered ? 'NORMAL_CLEARING' : 'ORIGINATOR_CANCEL');
  if (b.cause !== undefined) a.set('bridge_hangup_cause', b.cause);
  a.fire('CHANNEL_UNBRIDGE', ids);
}

/** execute_on_post_bridge, of which only `sched_cancel` and `stop_record_session` are simulated. */
function afterBridge(channel: Channel): void {
  for (const [name, value] of [...channel.variables]) {
    if (!name.startsWith('execute_on_post_bridge') || typeof value !== 'string') continue;
    if (value === 'sched_cancel') cancelScheduledHangup(channel);
    if (value.startsWith('stop_record_session ')) stopRecording(channel);
  }
}

/** bridge_export_vars: variables that the other leg of a bridge gets (check_bridge_export in switch_ivr_bridge.c). */
function exportToBridge(from: Channel, to: Channel): void {
  const names = from.variables.get('bridge_export_vars');
  if (names === undefined) return;
  to.set('bridge_export_vars', names);
  for (const name of separate(names, ',')) {
    const value = from.get(name);
    if (value !== undefined) to.set(name.replace(/^(?:nolocal:|_nolocal_)/i, ''), value);
  }
}

/** Returns the channel that left. */
async function untilOneLeaves(a: Channel, b: Channel, answer: () => void): Promise<Channel> {
  const timers = new Timers(a.host.clock);
  const { promise, resolve } = Promise.withResolvers<Channel>();
  // At once: a called leg reports its end before this function continues.
  let left = false;
  const leave = (): void => {
    if (left) return;
    left = true;
    for (const channel of [a, b]) {
      channel.bridgeRole = undefined;
      channel.set('bridge_to', undefined);
    }
    resolve(b.ready ? a : b);
  };
  const answered = (): void => {
    if (!b.up || !b.answered) return;
    answer();
    displayBridge(a, b);
  };
  const remove = [a.onBreak(leave), b.onBreak(leave), b.onChange(answered)];
  startAnswerTimeout(b, timers, leave);
  startAnswerTimeout(a, timers, leave);
  answered();
  const leaver = await promise;
  for (const removeCallback of remove) removeCallback();
  timers.clear();
  return leaver;
}
