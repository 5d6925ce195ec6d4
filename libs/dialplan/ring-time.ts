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
export const legVariables = ({ timeout, delay }: RingTime): Variables => ({
  ...(delay === undefined || delay === 0 ? {} : { leg_delay_start: String(delay) }),
  ...(timeout === undefined
    ? {}
    : {
        execute_on_originate: `sched_hangup +${timeout + 1} NO_ANSWER`,
        execute_on_answer: 'sched_cancel',
      }),
});

/** Keeps FreeSWITCH's own limit for a group of legs above those of its legs. */
export function groupVariables(legs: readonly RingTime[]): Variables {
  if (legs.every(({ timeout, delay }) => timeout === undefined && !delay)) return {};
  const longest = Math.max(...legs.map(({ timeout = DEFAULT_TIMEOUT_S, delay = 0 }) => timeout + delay));
  return { originate_timeout: String(longest + 2) };
}
