import type { CallScript } from '#libs/simulator/call-script.ts';
import type { Timers } from '#libs/simulator/clock.ts';
import type { CallerLeg } from './caller-leg.ts';

/** Plays the caller's part of the script from now on: CANCEL, and after the answer REFER and BYE. */
export function playCaller({ cancelAt, byeAt, refer }: CallScript, caller: CallerLeg, timers: Timers): void {
  if (cancelAt !== undefined) {
    timers.after(cancelAt, () => {
      if (!caller.channel.answered) caller.hangUp();
    });
  }
  caller.onAnswered(() => {
    if (refer !== undefined) timers.after(refer.at, () => caller.refer(refer.to));
    if (byeAt !== undefined) timers.after(byeAt, () => caller.hangUp());
  });
}
