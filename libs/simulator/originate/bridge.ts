import type { CallThread } from '#libs/simulator/dialplan/call-thread.ts';
import type { Channel } from '#libs/simulator/switch/channel.ts';
import { runHooks } from '#libs/simulator/switch/hooks.ts';
import { isTrue } from '#libs/simulator/switch/switch-strings.ts';
import { bridgeChannels } from './bridge-channels.ts';
import { endsCall } from './handle-cause.ts';
import { originate } from './originate.ts';

/** The application `bridge`. */
export async function bridgeApplication(thread: CallThread, dialString: string): Promise<void> {
  if (dialString === '') return;
  const originated = await originate(thread, dialString);
  if (originated.leg === undefined) {
    thread.leg.channel.set('originate_failed_cause', originated.cause);
    handleCause(thread, originated.cause);
    return;
  }
  const { channel } = originated.leg;
  await bridgeChannels(
    thread.leg.channel,
    channel,
    () => {
      thread.leg.showCallee(channel.profile);
      thread.leg.answer();
    },
    (one) => runHooks(thread.node, one, 'pre_bridge'),
  );
  afterBridge(thread, channel);
}

function afterBridge(thread: CallThread, b: Channel): void {
  if (thread.transferred) return;
  const a = thread.leg.channel;
  const cause = b.cause ?? 'NORMAL_CLEARING';
  const hangupAfterBridge = a.variables.get('hangup_after_bridge');
  if (!b.answered) handleCause(thread, cause);
  if (hangupAfterBridge?.toLowerCase() === 'explicit') a.hangup(cause);
  if (b.answered && isTrue(hangupAfterBridge)) a.hangup(cause);
}

function handleCause(thread: CallThread, cause: string): void {
  const { channel } = thread.leg;
  const ends = endsCall(cause, {
    continueOnFail: channel.get('continue_on_fail'),
    failureCauses: channel.get('failure_causes'),
  });
  if (ends && !thread.transferred) channel.hangup(cause);
}
