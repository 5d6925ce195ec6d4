import type { Variables } from '#libs/contract/decision.ts';
import type { DialPlan } from '#libs/contract/plan.ts';
import { CONNECTED_HOOK } from './acceptance.ts';
import type { FindSound } from './sounds.ts';

/** When FreeSWITCH ends a call, in seconds from the answer of the called party. */
export interface DurationLimit {
  readonly seconds: number;
  readonly warn?: {
    readonly after: number;
    readonly path: string;
    readonly to: 'caller' | 'called' | 'both';
  };
}

/** The `max_duration` of a decision. Without its sound there is no announcement. */
export function durationLimitOf(
  { max_duration: seconds, warn }: Pick<DialPlan, 'max_duration' | 'warn'>,
  find: FindSound,
): DurationLimit | undefined {
  if (seconds === undefined) return undefined;
  if (warn === undefined) return { seconds };
  const path = find(warn.play);
  if (path === undefined) return { seconds };
  return { seconds, warn: { after: seconds - warn.before, path, to: warn.to } };
}

/** The sides of sched_broadcast, as the called leg sees them. */
const SIDES = { caller: 'bleg', called: 'aleg', both: 'both' } as const;

/** The hooks of the limit: at the answer, or when a leg that has to accept the call is connected. */
export const durationHooks = (accepts: boolean): readonly [end: string, announcement: string] => {
  const moment = accepts ? CONNECTED_HOOK : 'execute_on_answer_dialhook';
  return [`${moment}_limit`, `${moment}_warn`];
};

/**
 * Variables of a called leg that end its call. They are on the called leg because the caller leg may have been answered
 * before, by the dialplan; `bleg` ends the leg that it is connected with. The leg forgets its limit when that bridge ends:
 * after a transfer it belongs to another call (audio_bridge_thread in switch_ivr_bridge.c). They must follow the
 * variables of a ring time: its `sched_cancel` at the answer cancels everything that is scheduled.
 */
export function durationVariables(limit: DurationLimit | undefined, accepts = false): Variables {
  if (limit === undefined) return {};
  const { seconds, warn } = limit;
  const [end, announcement] = durationHooks(accepts);
  return {
    [end]: `sched_hangup +${seconds} ALLOTTED_TIMEOUT bleg`,
    ...(warn === undefined
      ? {}
      : { [announcement]: `sched_broadcast +${warn.after} ${warn.path} ${SIDES[warn.to]}` }),
    execute_on_post_bridge_dialhook_limit: 'sched_cancel',
  };
}
