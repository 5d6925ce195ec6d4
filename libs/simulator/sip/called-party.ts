import type { Callee } from '#libs/simulator/call-script.ts';
import type { Clock, Timers } from '#libs/simulator/clock.ts';

/** The SIP messages of a called party, as its leg receives them. */
export interface CalledPartyMessages {
  /** 180 or 183. */
  provisional(withSdp: boolean): void;
  answer(): void;
  /** A final status of 400 or above; `reason` is the value of its Reason header. */
  refuse(status: number, reason: string | undefined): void;
  /** 302 with this Contact. */
  redirect(contact: string): void;
  bye(): void;
}

interface Step {
  readonly at: number;
  readonly run: () => void;
}

function stepsOf(callee: Callee, to: CalledPartyMessages): Step[] {
  const steps: Step[] = [];
  const step = (at: number | undefined, run: () => void): void => {
    if (at !== undefined) steps.push({ at, run });
  };
  const { refuse, redirect } = callee;
  step(callee.ringAt, () => to.provisional(false));
  step(callee.ringMediaAt, () => to.provisional(true));
  step(callee.progressAt, () => to.provisional(false));
  step(callee.mediaAt, () => to.provisional(true));
  step(callee.answerAt, () => to.answer());
  if (refuse !== undefined) step(refuse.at, () => to.refuse(refuse.status, refuse.reason));
  if (redirect !== undefined) step(redirect.at, () => to.redirect(redirect.contact));
  step(callee.hangsUpAt, () => to.bye());
  return steps.sort((a, b) => a.at - b.at);
}

/** Plays a called party's script from now on. One timer at a time, so that late timers do not change the order. */
export function playScript(
  callee: Callee,
  to: CalledPartyMessages,
  { timers, clock }: { readonly timers: Timers; readonly clock: Clock },
): void {
  const steps = stepsOf(callee, to);
  const start = clock.now();
  const next = (): void => {
    const step = steps.shift();
    if (step === undefined) return;
    timers.after(start + step.at - clock.now(), () => {
      step.run();
      next();
    });
  };
  next();
}
