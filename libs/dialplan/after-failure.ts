import { type FinalCause, isHangupCause } from '#libs/contract/decision.ts';
import type { DialPlan } from '#libs/contract/plan.ts';
import { type Application, type Settings, setTogether } from './settings.ts';

/** The consequences of the failure of a group of targets. */
export interface FailurePolicy {
  /** Causes and SIP statuses after which no further target is tried and no further request is made. */
  readonly finalCauses: readonly FinalCause[];
  /** The causes and SIP statuses after which the next target is tried; undefined: all that are not final. */
  readonly retryCauses?: readonly FinalCause[] | undefined;
  /** Whether answered legs have to accept the call. */
  readonly accepts?: boolean;
  /** Whether another request is made when every group has failed. */
  readonly requestAgain: boolean;
  readonly onRedirect: DialPlan['on_redirect'];
  /** The hosts of the `socket` action of the dialplan, through which the agent is entered again; undefined when unknown. */
  readonly socket: string | undefined;
}

/**
 * The policy of a decision. `mayRequest`: whether another request about the call may be made; `finalCauses`: those of
 * a decision without `final_causes` and `retry_causes`.
 */
export const policyOf = (
  plan: Pick<DialPlan, 'final_causes' | 'retry_causes' | 'on_fail' | 'on_redirect' | 'confirm' | 'whisper'>,
  finalCauses: readonly FinalCause[],
  socket: string | undefined,
  mayRequest: boolean,
): FailurePolicy => ({
  finalCauses: plan.final_causes ?? (plan.retry_causes === undefined ? finalCauses : []),
  ...(plan.retry_causes === undefined ? {} : { retryCauses: plan.retry_causes }),
  ...(plan.confirm === undefined && plan.whisper === undefined ? {} : { accepts: true }),
  requestAgain: plan.on_fail === 'request' && mayRequest,
  onRedirect: plan.on_redirect === 'request' && !mayRequest ? 'fail' : plan.on_redirect,
  socket,
});

/** The failure of a target. */
export interface TargetFailure {
  readonly cause: string;
  /** The SIP status with which the called party refused or redirected; undefined without one. */
  readonly status: number | undefined;
}

/** Whether a failure is in a list. `sip:6xx` matches every status from 600 to 699. */
export function isAmong({ cause, status }: TargetFailure, causes: readonly FinalCause[]): boolean {
  const statuses = status === undefined ? [] : [`sip:${status}`, `sip:${Math.floor(status / 100)}xx`];
  return causes.some((one) => one === cause || statuses.includes(one));
}

/** Why `socket` was entered from an extension of ours, a `Reentry`, or `digits`. Missing when the dialplan entered it. */
export const ENTRY_VARIABLE = 'dialhook_entry';

/**
 * `next`: a target has failed and another one follows; `last`: the last target has failed; `failed`: the last target
 * has failed and on_fail is `request`.
 */
export type Reentry = 'next' | 'last' | 'failed';

/** Final causes and on_redirect of the decision, which the agent checks when `socket` is entered as an `Reentry`. */
export const FINAL_VARIABLE = 'dialhook_final';
export const ON_REDIRECT_VARIABLE = 'dialhook_on_redirect';

/** retry_causes of the decision, checked like FINAL_VARIABLE. Missing: every cause that is not final. An empty list is `none`. */
export const RETRY_VARIABLE = 'dialhook_retry';

/**
 * With on_redirect `follow`: the dial string of the redirected target without its endpoint, in base64url, and the dial
 * string that the agent makes of it. Nothing is dialled while the second one is empty. The first one is empty after the
 * redirect was followed: another redirect is then a failure.
 */
export const REDIRECT_PREFIX_VARIABLE = 'dialhook_redirect_prefix';
export const REDIRECT_VARIABLE = 'dialhook_redirect';
const NO_REDIRECT: Settings = { [REDIRECT_PREFIX_VARIABLE]: '', [REDIRECT_VARIABLE]: '' };

/** The cause for the caller when no target is left. */
export const CAUSE_VARIABLE = 'dialhook_cause';

/**
 * Sets CAUSE_VARIABLE to the cause of the target that has failed: `originate_failed_cause`, or `last_bridge_hangup_cause`
 * of a leg that failed after early media. FreeSWITCH expands the names too: the second one is CAUSE_VARIABLE only if the
 * first variable is empty.
 */
const TARGET_CAUSE: Settings = {
  [CAUSE_VARIABLE]: '${originate_failed_cause}',
  [`${CAUSE_VARIABLE}\${originate_failed_cause}`]: '${last_bridge_hangup_cause}',
};

const HANGUP_WITH_CAUSE: Application = { name: 'hangup', data: `\${${CAUSE_VARIABLE}}` };

/** Without this the caller would get the SIP status of an earlier target with the cause of a later one. */
export const CLEAR_LAST_FAILURE: Settings = {
  last_bridge_proto_specific_hangup_cause: '',
  last_bridge_hangup_cause: '',
  originate_failed_cause: '',
  // The status of the called leg in the hangup event of the caller leg (sofia_handle_sip_r_invite in sofia.c).
  sip_invite_failure_status: '',
};

/** The cause of a leg that hung up instead of accepting the call. */
const HUNG_UP = 'NORMAL_CLEARING';

/** The cause of a leg that answered with a redirect (SIP 3xx). */
const REDIRECTED = 'REQUESTED_CHAN_UNAVAIL';

/** How FreeSWITCH itself chooses the next target: by cause. It cannot distinguish SIP statuses, see `enteredAfter`. */
function continueUnlessFinal({ finalCauses, retryCauses }: FailurePolicy): Settings {
  if (retryCauses?.every(isHangupCause)) {
    const listed = retryCauses.filter((cause) => !finalCauses.includes(cause));
    return { failure_causes: '', continue_on_fail: [...new Set([...listed, REDIRECTED])].join(',') };
  }
  const causes = finalCauses.filter(isHangupCause);
  return causes.length === 0
    ? { failure_causes: '', continue_on_fail: 'true' }
    : { failure_causes: causes.join(','), continue_on_fail: '' };
}

/**
 * Gives the caller the cause and the SIP status of the target that fails next, NO_ANSWER included. After a redirect
 * FreeSWITCH would answer the caller with 3xx, and with 500 after the BYE of a leg that has not accepted the call: see
 * `endWithoutStatus`.
 */
const lastTargetSettings = ({ accepts = false }: FailurePolicy): Settings => ({
  failure_causes: '',
  continue_on_fail: accepts ? `${REDIRECTED},${HUNG_UP}` : REDIRECTED,
});

/** FreeSWITCH answers a caller with the last SIP status of a called leg (sofia_on_hangup in mod_sofia.c). */
export const CLEAR_LAST_STATUS: Settings = { last_bridge_proto_specific_hangup_cause: '' };
export const CLEAR_LAST_STATUS_APPLICATION: Application = setTogether(CLEAR_LAST_STATUS);

/** Reached when the last target redirected, or hung up instead of accepting: the caller gets the cause without the status. */
const endWithoutStatus: readonly Application[] = [
  setTogether({ ...CLEAR_LAST_STATUS, ...TARGET_CAUSE }),
  HANGUP_WITH_CAUSE,
];

/** The reason with which the agent is entered after a failed group; undefined when it is not entered. */
function enteredAfter(isLast: boolean, policy: FailurePolicy): Reentry | undefined {
  const { socket, finalCauses, retryCauses, onRedirect, requestAgain } = policy;
  if (socket === undefined) return undefined;
  if (isLast && requestAgain) return 'failed';
  if (isLast) return onRedirect === 'fail' ? undefined : 'last';
  const isCauseEnough =
    onRedirect === 'fail' &&
    finalCauses.every(isHangupCause) &&
    // FreeSWITCH continues after a redirect, listed or not: otherwise it would answer the caller with 3xx.
    (retryCauses === undefined || (retryCauses.every(isHangupCause) && retryCauses.includes(REDIRECTED)));
  return isCauseEnough ? undefined : 'next';
}

/** Enters the agent again. When no agent accepts the connection, FreeSWITCH continues with the next application. */
const enterAgain = (entry: Reentry, socket: string, settings: Settings = {}): Application[] => [
  setTogether({ [ENTRY_VARIABLE]: entry, ...TARGET_CAUSE, ...settings }),
  { name: 'socket', data: socket },
];

/** Dials where the target redirected to, once. `prefix` is its dial string without the endpoint. */
function followRedirect(isLast: boolean, policy: FailurePolicy, prefix: string): Application[] {
  const entry = enteredAfter(isLast, policy);
  const socket = policy.socket;
  if (entry === undefined || socket === undefined) return [];
  const after = enteredAfter(isLast, { ...policy, onRedirect: 'fail' });
  const encoded = Buffer.from(prefix).toString('base64url');
  return [
    ...enterAgain(entry, socket, {
      ...NO_REDIRECT,
      [REDIRECT_PREFIX_VARIABLE]: encoded,
      ...(isLast && after === undefined ? lastTargetSettings(policy) : {}),
    }),
    { name: 'bridge', data: `\${${REDIRECT_VARIABLE}}` },
    ...(after === undefined ? [] : enterAgain(after, socket, NO_REDIRECT)),
  ];
}

/** The reason with which the agent is entered after a failed group, whatever group fails first; undefined when never. */
const lastEntry = (policy: FailurePolicy): Reentry | undefined =>
  enteredAfter(true, policy.onRedirect === 'follow' ? { ...policy, onRedirect: 'fail' } : policy);

/** Variables of the caller leg for the first of `groups` groups. */
export const failureSettings = (groups: number, policy: FailurePolicy): Settings =>
  groups === 1 && enteredAfter(true, policy) === undefined
    ? lastTargetSettings(policy)
    : continueUnlessFinal(policy);

/** Variables that the agent reads when it is entered again. */
export function entrySettings(groups: number, policy: FailurePolicy): Settings {
  const isEntered = Array.from({ length: groups }).some(
    (_, index) => enteredAfter(index === groups - 1, policy) !== undefined,
  );
  return {
    ...(isEntered
      ? {
          [FINAL_VARIABLE]: policy.finalCauses.join(','),
          ...(policy.retryCauses === undefined
            ? {}
            : { [RETRY_VARIABLE]: policy.retryCauses.join(',') || 'none' }),
          [ON_REDIRECT_VARIABLE]: policy.onRedirect,
        }
      : {}),
    ...(isEntered && policy.onRedirect === 'follow' ? NO_REDIRECT : {}),
    [ENTRY_VARIABLE]: '',
  };
}

/** The dial string of one group, and the same for the target of a redirect, without its endpoint. */
export interface GroupDial {
  readonly dialString: string;
  readonly redirectPrefix: string;
}

/** One `bridge` for each group. A group that fails leads to the next one, unless its cause or SIP status is final. */
export function bridgeApplications(groups: readonly GroupDial[], policy: FailurePolicy): Application[] {
  return [
    ...groups.flatMap(({ dialString, redirectPrefix }, index): Application[] => {
      const isLast = index === groups.length - 1;
      const entry = enteredAfter(isLast, policy);
      return [
        ...(index === 0
          ? []
          : [
              setTogether({
                ...CLEAR_LAST_FAILURE,
                ...(isLast && entry === undefined ? lastTargetSettings(policy) : {}),
              }),
            ]),
        { name: 'bridge', data: dialString },
        ...(policy.onRedirect === 'follow'
          ? followRedirect(isLast, policy, redirectPrefix)
          : entry === undefined
            ? []
            : enterAgain(entry, policy.socket ?? '')),
      ];
    }),
    ...(lastEntry(policy) === undefined ? endWithoutStatus : [HANGUP_WITH_CAUSE]),
  ];
}
