import { microseconds, Timers } from '#libs/simulator/clock.ts';
import type { CallThread } from '#libs/simulator/dialplan/call-thread.ts';
import type { CalledLeg } from '#libs/simulator/sip/called-leg.ts';
import type { CallerLeg } from '#libs/simulator/sip/caller-leg.ts';
import { isTrue } from '#libs/simulator/switch/switch-strings.ts';
import { startAnswerTimeout } from './answer-timeout.ts';
import { endsCall } from './handle-cause.ts';
import { originate } from './originate.ts';

/** The application `bridge`. */
export async function bridgeApplication(thread: CallThread, dialString: string): Promise<void> {
  if (dialString === '') return;
  const originated = await originate(thread, dialString);
  if (originated.leg === undefined) {
    thread.caller.channel.set('originate_failed_cause', originated.cause);
    handleCause(thread, originated.cause);
    return;
  }
  await connect(thread.caller, originated.leg);
  afterBridge(thread, originated.leg);
}

/** Both legs talk until one of them ends or is transferred. */
async function connect(caller: CallerLeg, leg: CalledLeg): Promise<void> {
  const a = caller.channel;
  const b = leg.channel;
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
  await untilOneEnds(caller, leg);
  if (b.cause !== undefined) a.set('bridge_hangup_cause', b.cause);
  a.fire('CHANNEL_UNBRIDGE', ids);
}

function untilOneEnds(caller: CallerLeg, leg: CalledLeg): Promise<void> {
  const a = caller.channel;
  const b = leg.channel;
  return new Promise((resolve) => {
    const timers = new Timers(a.host.clock);
    const end = (): void => {
      timers.clear();
      removeBreak();
      a.bridgeRole = undefined;
      b.bridgeRole = undefined;
      a.set('bridge_to', undefined);
      b.set('bridge_to', undefined);
      resolve();
    };
    const leave = (): void => {
      end();
      b.hangup(b.answered ? 'NORMAL_CLEARING' : 'ORIGINATOR_CANCEL');
    };
    const removeBreak = a.onBreak(leave);
    for (const channel of [a, b]) startAnswerTimeout(channel, timers, leave);
    const changed = (): void => {
      if (!b.up) {
        end();
      } else if (b.answered) {
        caller.answer();
        showIdentities(caller, leg);
      }
    };
    leg.onChange(changed);
    changed();
  });
}

function showIdentities({ channel: a }: CallerLeg, { channel: b }: CalledLeg): void {
  a.set('last_sent_callee_id_name', b.profile.calleeIdName);
  a.set('last_sent_callee_id_number', b.profile.calleeIdNumber);
  b.set('last_sent_callee_id_name', b.profile.callerIdName);
  b.set('last_sent_callee_id_number', b.profile.callerIdNumber);
}

function afterBridge(thread: CallThread, { channel: b }: CalledLeg): void {
  const a = thread.caller.channel;
  const cause = b.cause ?? 'NORMAL_CLEARING';
  const hangupAfterBridge = a.variables.get('hangup_after_bridge');
  if (thread.transferred) return;
  if (!b.answered) handleCause(thread, cause);
  if (hangupAfterBridge?.toLowerCase() === 'explicit') a.hangup(cause);
  if (b.answered && isTrue(hangupAfterBridge)) a.hangup(cause);
}

function handleCause(thread: CallThread, cause: string): void {
  const { channel } = thread.caller;
  const ends = endsCall(cause, {
    continueOnFail: channel.get('continue_on_fail'),
    failureCauses: channel.get('failure_causes'),
  });
  if (ends && !thread.transferred) channel.hangup(cause);
}
