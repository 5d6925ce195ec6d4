import type { Variables } from '#libs/contract/decision.ts';

/** When a called leg starts to ring and for how long, in seconds. */
export interface RingTime {
  readonly timeout?: number | undefined;
  readonly delay?: number | undefined;
}

/** Default ring time of FreeSWITCH, in seconds (SWITCH_DEFAULT_TIMEOUT). */
const DEFAULT_TIMEOUT_S = 60;

/**
 * Ends a leg that has not answered in time, with or without early media; `originate_timeout` does not apply once a leg
 * has early media. FreeSWITCH schedules by whole seconds of the wall clock, so one second is added to last at least as
 * long as the timeout.
 */
export const legVariables = ({ timeout, delay = 0 }: RingTime): Variables => ({
  ...(delay === 0 ? {} : { leg_delay_start: String(delay) }),
  ...(timeout === undefined
    ? {}
    : {
        execute_on_originate: `sched_hangup +${timeout + delay + 1} NO_ANSWER`,
        execute_on_answer: 'sched_cancel',
      }),
});

/** Parameters of a number, written behind it in the request URI (sofia_overcome_sip_uri_weakness in sofia_glue.c). */
export const telVariables = ({ tel_params }: { readonly tel_params?: string | undefined }): Variables =>
  tel_params === undefined ? {} : { sip_invite_tel_params: tel_params };

/**
 * Variables for all legs of a group. Keeps FreeSWITCH's own limit for a group above those of its legs. Of legs that ring
 * at once, FreeSWITCH would take the first one with early media for the one that answers, and cancel the others.
 */
export function groupVariables(legs: readonly RingTime[]): Variables {
  const early = legs.length > 1 ? { ignore_early_media: 'true' } : {};
  if (legs.every(({ timeout, delay }) => timeout === undefined && !delay)) return early;
  const longest = Math.max(...legs.map(({ timeout = DEFAULT_TIMEOUT_S, delay = 0 }) => timeout + delay));
  return { ...early, originate_timeout: String(longest + 2) };
}
