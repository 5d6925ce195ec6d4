import { Timers } from '#libs/simulator/clock.ts';
import type { Channel } from './channel.ts';
import { parseCause } from './hangup-cause.ts';
import { integer } from './switch-strings.ts';

const scheduled = new WeakMap<Channel, Timers>();

/** The application `sched_hangup +SECONDS CAUSE [bleg]`; `bleg` hangs up the leg that it is connected with. Counts whole seconds of the wall clock, as FreeSWITCH does. */
export function scheduleHangup(channel: Channel, data: string): void {
  const [, seconds, cause = '', bleg] = /^\+(\d+)(?: (\w+))?(?: (bleg))?$/.exec(data) ?? [];
  const { clock } = channel.host;
  const timers = scheduled.get(channel) ?? new Timers(clock);
  scheduled.set(channel, timers);
  const now = clock.now();
  timers.after((Math.floor(now / 1000) + integer(seconds)) * 1000 - now, () =>
    (bleg === undefined ? channel : channel.partner)?.hangup(parseCause(cause)),
  );
  channel.onHangup(() => timers.clear());
}

/** The application `sched_cancel`. */
export const cancelScheduledHangup = (channel: Channel): void => scheduled.get(channel)?.clear();
