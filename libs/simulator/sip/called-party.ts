import type { Callee } from '#libs/simulator/call-script.ts';
import type { Clock, Timers } from '#libs/simulator/clock.ts';

/** The SIP messages of a called party, as its leg receives them. */
export interface CalledPartyMessages {
  /** 180 or 183. */
  onProvisional(withSdp: boolean): void;
  onAnswer(): void;
  /** A final status of 400 or above; `reason` is the value of its Reason header. */
  onRefuse(status: number, reason: string | undefined): void;
  /** 302 with this Contact. */
  onRedirect(contact: string): void;
  onBye(): void;
  /** REFER to this number: a blind transfer of the other party. */
  onRefer(to: string): void;
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
  const { refuse, redirect, refer } = callee;
  step(callee.ringAt, () => to.onProvisional(false));
  step(callee.ringMediaAt, () => to.onProvisional(true));
  step(callee.progressAt, () => to.onProvisional(false));
  step(callee.mediaAt, () => to.onProvisional(true));
  step(callee.answerAt, () => to.onAnswer());
  if (refuse !== undefined) step(refuse.at, () => to.onRefuse(refuse.status, refuse.reason));
  if (redirect !== undefined) step(redirect.at, () => to.onRedirect(redirect.contact));
  if (refer !== undefined) step(refer.at, () => to.onRefer(refer.to));
  step(callee.hangsUpAt, () => to.onBye());
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
