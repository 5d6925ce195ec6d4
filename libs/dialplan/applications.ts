import { type CallEndpoint, formatArguments } from '#libs/contract/arguments.ts';
import type { HangupCause } from '#libs/contract/causes.ts';
import type { Group, Plan } from '#libs/contract/plan.ts';
import type { Result } from '#libs/contract/results.ts';
import { formatGroup } from './dial-string.ts';

/** One application of FreeSWITCH with its data, as in a dialplan. */
export interface Application {
  readonly name: string;
  readonly data: string;
}

/** Legs whose users have been looked up: every one can be dialled. */
export interface DialableGroup {
  readonly variables: Group['variables'];
  readonly legs: readonly { readonly endpoint: string; readonly variables: Group['variables'] }[];
}

export type Hangup = Extract<Plan, { hangup: unknown }>['hangup'];

/** The channel variable that marks a call as Dialhook's; it rides on both legs and the agent's filter looks for it. */
export const CALL_VARIABLE = 'dialhook_call';

const set = (name: string, value: string): Application => ({ name: 'set', data: `${name}=${value}` });
const exportToCalled = (name: string, value: string): Application => ({
  name: 'export',
  data: `nolocal:${name}=${value}`,
});

/** The channel variable that counts how often the endpoint was asked about a call. */
export const ATTEMPT_VARIABLE = 'dialhook_attempt';

/**
 * FreeSWITCH expands ${...}, API calls included, in the data of every application but those behind this one. It is
 * taken back before the call is dialled, because a call that is transferred later needs expansion again. `set` expands
 * its value all the same (base_set in mod_dptools.c): it may carry our own constants only.
 */
const EXPANSION_OFF = set('app_disable_expand_variables', 'true');
const EXPANSION_ON = set('app_disable_expand_variables', 'false');

/** FreeSWITCH would give the caller the SIP status of an earlier target with the cause of a later one. */
const FORGET_LAST_STATUS: Application = { name: 'unset', data: 'last_bridge_proto_specific_hangup_cause' };

/** How the question for a decision ended, as it stands on the channel. */
export interface Outcome {
  readonly result: Result;
  readonly error?: string;
}

const MAX_WORDS = 500;

/** Words that FreeSWITCH can hold in a variable, takes for no list and has nothing to expand in. */
const harmless = (words: string): string =>
  words
    .replaceAll(/[\p{Cc}$\\]/gu, ' ')
    .replace(/^ARRAY::/, ' ARRAY::')
    .slice(0, MAX_WORDS)
    .toWellFormed();

/** The channel variables that say how the question for a decision ended. */
export const outcomeVariables = ({ result, error = '' }: Outcome): Readonly<Record<string, string>> => ({
  dialhook_result: result,
  dialhook_error: harmless(error),
});

const outcomeApplications = (outcome: Outcome): Application[] =>
  Object.entries(outcomeVariables(outcome)).map(([name, value]) => set(name, value));

/** What hangs a call up: by SIP status, which FreeSWITCH turns into a cause, or by cause. */
export const hangupApplications = (hangup: Hangup, outcome: Outcome): Application[] => [
  ...outcomeApplications(outcome),
  ...('sipcode' in hangup
    ? [
        { name: 'respond', data: String(hangup.sipcode) },
        { name: 'hangup', data: '' },
      ]
    : [{ name: 'hangup', data: hangup.cause }]),
];

/** How a call goes on when a group of targets has failed. */
export interface FailurePolicy {
  /** Causes after which no further target is tried and nobody is asked again. */
  readonly finalCauses: readonly HangupCause[];
  /** Asks the endpoint again through these hosts of the socket application when every group has failed. */
  readonly again?: { readonly socket: string; readonly attempt: number };
}

const goOn = (finalCauses: readonly HangupCause[]): Application[] =>
  finalCauses.length === 0
    ? [{ name: 'unset', data: 'failure_causes' }, set('continue_on_fail', 'true')]
    : [{ name: 'unset', data: 'continue_on_fail' }, set('failure_causes', finalCauses.join(','))];

const stop: readonly Application[] = [
  { name: 'unset', data: 'failure_causes' },
  set('continue_on_fail', 'false'),
];

/** After a failed dial: what the decision had exported goes, and the endpoint is asked again or the call ends. */
const askAgain = (names: readonly string[], again: NonNullable<FailurePolicy['again']>): Application[] => [
  ...names.map((name) => ({ name: 'unset', data: `nolocal:${name}` })),
  set(ATTEMPT_VARIABLE, String(again.attempt)),
  { name: 'socket', data: again.socket },
  { name: 'hangup', data: `\${originate_failed_cause}` },
];

/**
 * What places a call: one bridge for each group. A group that fails leads to the next, unless with a final cause; the
 * last one ends the call, so that FreeSWITCH gives the caller its own cause, NO_ANSWER included. `hangup_after_bridge`
 * keeps a call that was answered from being dialled on.
 */
export function dialApplications(
  groups: readonly DialableGroup[],
  variables: Group['variables'],
  endpoint: CallEndpoint | undefined,
  outcome: Outcome,
  { finalCauses, again }: FailurePolicy,
): Application[] {
  const exported = { ...(endpoint ? { cti_bridge: formatArguments(endpoint) } : {}), ...variables };
  const last = groups.length - 1;
  const bridges = groups.flatMap(({ variables: own, legs }, index): Application[] => [
    ...(index === 0 ? [] : [FORGET_LAST_STATUS]),
    ...(index === last && !again ? stop : index === 0 ? goOn(finalCauses) : []),
    { name: 'bridge', data: formatGroup(own, legs) },
  ]);
  return [
    EXPANSION_OFF,
    ...Object.entries(exported).map(([name, value]) => exportToCalled(name, value)),
    EXPANSION_ON,
    ...outcomeApplications(outcome),
    set('hangup_after_bridge', 'true'),
    ...bridges,
    ...(again ? askAgain(Object.keys(exported), again) : [{ name: 'hangup', data: '' }]),
  ];
}
