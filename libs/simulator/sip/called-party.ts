import type { Callee, Step } from '#libs/simulator/call-script.ts';
import type { Clock, Timers } from '#libs/simulator/clock.ts';

/** The actions of a called party. */
export interface CalledPartyActions {
  respond(step: Step): void;
  bye(): void;
  /** REFER to this number: a blind transfer of the other party. */
  refer(to: string): void;
}

interface Action {
  readonly at: number;
  readonly run: () => void;
}

/** All responses of a called party; the shorthands of its script are responses too. */
export function responsesOf({ steps = [], refuse, redirect, ...at }: Callee): readonly Step[] {
  const shorthands = [
    { at: at.ringAt, status: 180 },
    { at: at.ringMediaAt, status: 180, sdp: true },
    { at: at.progressAt, status: 183 },
    { at: at.mediaAt, status: 183, sdp: true },
    { at: at.answerAt, status: 200 },
    {
      at: refuse?.at,
      status: refuse?.status ?? 486,
      headers: refuse?.reason === undefined ? [] : [['Reason', refuse.reason] as const],
    },
    { at: redirect?.at, status: 302, ...(redirect && { contact: redirect.contact }) },
  ];
  return [...shorthands.flatMap((one) => (one.at === undefined ? [] : [{ ...one, at: one.at }])), ...steps];
}

function actionsOf(callee: Callee, party: CalledPartyActions): Action[] {
  const { refer, hangsUpAt } = callee;
  const actions: Action[] = responsesOf(callee).map((step) => ({
    at: step.at,
    run: () => party.respond(step),
  }));
  if (refer !== undefined) actions.push({ at: refer.at, run: () => party.refer(refer.to) });
  if (hangsUpAt !== undefined) actions.push({ at: hangsUpAt, run: () => party.bye() });
  return actions.sort((a, b) => a.at - b.at);
}

/** Plays a called party's script from now on. One timer at a time, so that late timers do not change the order. */
export function playScript(
  callee: Callee,
  party: CalledPartyActions,
  { timers, clock }: { readonly timers: Timers; readonly clock: Clock },
): void {
  const actions = actionsOf(callee, party);
  const start = clock.now();
  const next = (): void => {
    const action = actions.shift();
    if (action === undefined) return;
    timers.after(start + action.at - clock.now(), () => {
      action.run();
      next();
    });
  };
  next();
}
