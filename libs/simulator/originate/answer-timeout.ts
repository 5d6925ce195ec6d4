import type { Timers } from '#libs/simulator/clock.ts';
import type { Channel } from '#libs/simulator/switch/channel.ts';
import { isTrue } from '#libs/simulator/switch/switch-strings.ts';

/**
 * bridge_answer_timeout, in seconds, of a leg that was bridged before its answer (audio_bridge_thread in
 * switch_ivr_bridge.c): hangs the leg up with ALLOTTED_TIMEOUT, or calls `leave` if continue_on_answer_timeout is set.
 * FreeSWITCH counts whole seconds of the wall clock and needs the limit exceeded.
 */
export function startAnswerTimeout(channel: Channel, timers: Timers, leave: () => void): void {
  const seconds = Number.parseInt(channel.variables.get('bridge_answer_timeout') ?? '', 10);
  if (channel.answered || !(seconds >= 0)) return;
  const now = channel.host.clock.now();
  timers.after((Math.floor(now / 1000) + seconds + 1) * 1000 - now, () => {
    if (channel.answered) return;
    if (isTrue(channel.variables.get('continue_on_answer_timeout'))) leave();
    else channel.hangup('ALLOTTED_TIMEOUT');
  });
}
