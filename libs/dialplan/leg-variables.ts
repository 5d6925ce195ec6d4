import type { Variables } from '#libs/contract/decision.ts';
import type { DialPlan } from '#libs/contract/plan.ts';

/** When a called leg starts to ring and for how long, in seconds. */
export interface RingTime {
  readonly timeout?: number | undefined;
  /** From the INVITE to ringing or early media. */
  readonly progress_timeout?: number | undefined;
  readonly delay?: number | undefined;
}

/** The channel variable of a called leg that names its place of a limit. */
export const PLACE_VARIABLE = 'dialhook_place';

/** The channel variable of a called leg that is dialled through a gateway that rests. */
export const RESTED_VARIABLE = 'dialhook_rested';

export const placeVariables = ({
  place,
  rested,
}: {
  readonly place?: string | undefined;
  readonly rested?: boolean | undefined;
}): Variables => ({
  ...(place === undefined ? {} : { [PLACE_VARIABLE]: place }),
  ...(rested === true ? { [RESTED_VARIABLE]: 'true' } : {}),
});

/** Default ring time of FreeSWITCH, in seconds (SWITCH_DEFAULT_TIMEOUT). */
const DEFAULT_TIMEOUT_S = 60;

/**
 * Ends a leg that has not answered in time, with or without early media; `originate_timeout` does not apply once a leg
 * has early media. FreeSWITCH schedules by whole seconds of the wall clock, so one second is added to last at least as
 * long as the timeout.
 */
const ringVariables = ({ timeout, progress_timeout, delay = 0 }: RingTime): Variables => ({
  ...(delay === 0 ? {} : { leg_delay_start: String(delay) }),
  ...(progress_timeout === undefined ? {} : { leg_progress_timeout: String(progress_timeout) }),
  ...(timeout === undefined
    ? {}
    : {
        execute_on_originate: `sched_hangup +${timeout + delay + 1} NO_ANSWER`,
        execute_on_answer: 'sched_cancel',
      }),
});

/**
 * After two seconds of audio FreeSWITCH connects the parties at both ends of a loopback leg directly and ends the leg
 * (bowout in mod_loopback.c), so that the call could no longer be followed. The dial string of a user may be a loopback leg.
 */
const loopbackVariables = (endpoint: string): Variables =>
  /^(?:loopback|user)\//.test(endpoint) ? { loopback_bowout: 'false' } : {};

/** Variables of a called leg besides its own. */
export const legVariables = (leg: RingTime & { readonly endpoint: string }, accepts = false): Variables => ({
  ...loopbackVariables(leg.endpoint),
  // FreeSWITCH's own limit of a group includes the time to accept the call.
  ...ringVariables(accepts ? { ...leg, timeout: leg.timeout ?? DEFAULT_TIMEOUT_S } : leg),
});

/** Parameters of a number, written behind it in the request URI (sofia_overcome_sip_uri_weakness in sofia_glue.c). */
export const telVariables = ({ tel_params }: { readonly tel_params?: string | undefined }): Variables =>
  tel_params === undefined ? {} : { sip_invite_tel_params: tel_params };

/** How the legs of a group are answered. */
export interface Answering {
  readonly earlyMedia?: DialPlan['early_media'];
  /** Seconds that a leg has to accept the call after its answer; undefined: the answer connects it. */
  readonly acceptS?: number | undefined;
}

/** FreeSWITCH treats early media as ringing for a single leg only (check_channel_status in switch_ivr_originate.c). */
function earlyMediaVariables(legs: number, { earlyMedia, acceptS }: Answering): Variables {
  if (earlyMedia !== 'ring' && acceptS !== undefined) return { ignore_early_media: 'true' };
  if (legs > 1 || earlyMedia === 'ignore') return { ignore_early_media: 'true' };
  return earlyMedia === 'ring' ? { ignore_early_media: 'ring_ready' } : {};
}

/**
 * Variables for all legs of a group. Keeps FreeSWITCH's own limit for a group above those of its legs. Of legs that ring
 * at once, FreeSWITCH would take the first one with early media for the one that answers, and cancel the others.
 */
export function groupVariables(legs: readonly RingTime[], answering: Answering = {}): Variables {
  const { acceptS } = answering;
  const early = earlyMediaVariables(legs.length, answering);
  if (acceptS === undefined && legs.every(({ timeout, delay }) => timeout === undefined && !delay))
    return early;
  const longest = Math.max(...legs.map(({ timeout = DEFAULT_TIMEOUT_S, delay = 0 }) => timeout + delay));
  return { ...early, originate_timeout: String(longest + (acceptS ?? 0) + 2) };
}
