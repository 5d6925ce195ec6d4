import type { CallScript } from '#libs/simulator/call-script.ts';
import type { Timers } from '#libs/simulator/clock.ts';
import type { CallerLeg } from './caller-leg.ts';

/** Plays the caller's part of the script from now on: CANCEL, and after the answer REFER and BYE. */
export function playCaller(script: CallScript, caller: CallerLeg, timers: Timers): void {
  const { cancelAt, byeAt, refer } = script;
  const { number } = script.caller;
  if (cancelAt !== undefined) {
    timers.after(cancelAt, () => {
      if (!caller.channel.answered) caller.hangUp();
    });
  }
  caller.onAnswered(() => {
    if (refer !== undefined)
      timers.after(refer.at, () =>
        caller.party.refer(`<sip:${refer.to}@127.0.0.1>`, `<sip:${number}@127.0.0.1>`),
      );
    if (byeAt !== undefined) timers.after(byeAt, () => caller.hangUp());
  });
}
