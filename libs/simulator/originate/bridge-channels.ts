import { microseconds, Timers } from '#libs/simulator/clock.ts';
import type { Channel } from '#libs/simulator/switch/channel.ts';
import { startAnswerTimeout } from './answer-timeout.ts';

/**
 * Bridges two channels until one of them ends or is transferred (switch_ivr_multi_threaded_bridge). Runs in the thread
 * of `a`. When `a` leaves, `b` is hung up; when `b` is transferred, `a` continues. `answer` sends the answer of `b` to `a`.
 */
export async function bridgeChannels(a: Channel, b: Channel, answer: () => void): Promise<void> {
  if (!a.ready || !b.up) {
    b.hangup('ORIGINATOR_CANCEL');
    return;
  }
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
  const left = await untilOneLeaves(a, b, answer);
  if (left === a) b.hangup(b.answered ? 'NORMAL_CLEARING' : 'ORIGINATOR_CANCEL');
  if (b.cause !== undefined) a.set('bridge_hangup_cause', b.cause);
  a.fire('CHANNEL_UNBRIDGE', ids);
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
    showIdentities(a, b);
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

function showIdentities(a: Channel, b: Channel): void {
  a.set('last_sent_callee_id_name', b.profile.calleeIdName);
  a.set('last_sent_callee_id_number', b.profile.calleeIdNumber);
  b.set('last_sent_callee_id_name', b.profile.callerIdName);
  b.set('last_sent_callee_id_number', b.profile.callerIdNumber);
}
