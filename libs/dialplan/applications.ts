import type { HangupCause } from '#libs/contract/causes.ts';
import type { Group, Plan } from '#libs/contract/plan.ts';
import type { Result } from '#libs/contract/results.ts';
import { BracketText } from '#libs/contract/text.ts';
import { formatGroup } from './dial-string.ts';

/** A dialplan application and its data. FreeSWITCH expands variables in the data. */
export interface Application {
  readonly name: string;
  readonly data: string;
}

/** A group of a plan after users were replaced by their registered devices. */
export interface DialableGroup {
  readonly variables: Group['variables'];
  readonly legs: readonly { readonly endpoint: string; readonly variables: Group['variables'] }[];
}

export type Hangup = Extract<Plan, { hangup: unknown }>['hangup'];

/** The variable that tags the channels of a call, both legs: its value is the uuid of the call. */
export const CALL_VARIABLE = 'dialhook_call';

const set = (name: string, value: string): Application => ({ name: 'set', data: `${name}=${value}` });

/** Variables to set; `''` unsets one. Values are constants of Dialhook or pass isPlain. */
type Settings = Readonly<Record<string, string>>;

/** One application for all: each application that FreeSWITCH runs costs time and two events. */
const setTogether = (settings: Settings): Application => ({
  name: 'multiset',
  data: `^^;${Object.entries(settings)
    .map(([name, value]) => `${name}=${value}`)
    .join(';')}`,
});

/** The name under which `export` stores a variable for called legs only (switch_channel_export_variable_var_check). */
const exportedName = (name: string): string => `nolocal:${name}`;

const exportToCalled = (name: string, value: string): Application => ({
  name: 'export',
  data: `${exportedName(name)}=${value}`,
});

/** Whether `multiset` and `set` keep a value unchanged: it has nothing to expand, no quotes and no semicolon. */
const isPlain = (value: string): boolean => !value.includes('$') && BracketText.safeParse(value).success;

/** The variables that `export` would set, so that `multiset` can replace it. Appends to what is already exported. */
function exportSettings(exported: Group['variables']): Settings {
  const names = Object.keys(exported).map(exportedName);
  if (names.length === 0) return {};
  return {
    ...Object.fromEntries(Object.entries(exported).map(([name, value]) => [exportedName(name), value])),
    export_vars: `\${export_vars},${names.join(',')}`,
  };
}

/**
 * Tags the caller leg, and exports the tag and `cti_bridge` to the legs that are called later, so that their events name
 * the call and its endpoint even if the agent dies now. `cti_bridge` is exported by name: a copy would expand text that
 * the caller may have chosen.
 */
export const TAG_CALL = setTogether({
  [CALL_VARIABLE]: '${uuid}',
  export_vars: `${CALL_VARIABLE},cti_bridge,\${export_vars}`,
});

/** The channel variable with the number of the current request; not set for the first one. */
export const ATTEMPT_VARIABLE = 'dialhook_attempt';

/**
 * Stops FreeSWITCH from expanding ${...}, which includes API calls, in the data of the applications that follow.
 * EXPANSION_ON must run before the call is dialled, because a later transfer needs expansion. `set` and `multiset`
 * expand their value anyway (base_set in mod_dptools.c), so they may carry plain values only.
 */
const EXPANSION_OFF = set('app_disable_expand_variables', 'true');
/** FreeSWITCH expands only text that has one of these (switch_channel_expand_variables_check). */
const EXPANDABLE = /[$\\]/;
const EXPANSION_ON: Settings = { app_disable_expand_variables: 'false' };

/** Without this the caller would get the SIP status of an earlier target with the cause of a later one. */
const CLEAR_LAST_STATUS: Settings = { last_bridge_proto_specific_hangup_cause: '' };

/** How a request for a decision ended, as it is set on the channel. */
export interface Outcome {
  readonly result: Result;
  readonly error?: string;
}

const MAX_ERROR_LENGTH = 500;

/** Makes an error safe as the value of a variable: one line, nothing to expand, not a list. */
const safeText = (error: string): string =>
  error
    .replaceAll(/[\p{Cc}$\\]/gu, ' ')
    .replace(/^ARRAY::/, ' ARRAY::')
    .slice(0, MAX_ERROR_LENGTH)
    .toWellFormed();

/** `dialhook_result` and `dialhook_error`, which the dialplan can read. */
export const outcomeVariables = ({ result, error = '' }: Outcome) => ({
  dialhook_result: result,
  dialhook_error: safeText(error),
});

/** Sets the outcome between `before` and `after`. The error is not plain and needs an application of its own. */
function outcomeApplications(outcome: Outcome, before: Settings = {}, after: Settings = {}): Application[] {
  const { dialhook_result, dialhook_error } = outcomeVariables(outcome);
  return [
    setTogether({ ...before, dialhook_result, dialhook_error: '', ...after }),
    ...(dialhook_error === '' ? [] : [set('dialhook_error', dialhook_error)]),
  ];
}

/** Exports variables to the called legs and sets the outcome and `more`, in one application when all values are plain. */
function exportAndSet(exported: Group['variables'], outcome: Outcome, more: Settings): Application[] {
  const values = Object.values(exported);
  if (values.every(isPlain)) return outcomeApplications(outcome, more, exportSettings(exported));
  const guarded = values.some((value) => EXPANDABLE.test(value));
  return [
    ...(guarded ? [EXPANSION_OFF] : []),
    ...Object.entries(exported).map(([name, value]) => exportToCalled(name, value)),
    ...outcomeApplications(outcome, guarded ? { ...EXPANSION_ON, ...more } : more),
  ];
}

/** Hangs up by cause, or by SIP status, from which FreeSWITCH derives the cause. */
export const hangupApplications = (hangup: Hangup, outcome: Outcome): Application[] => [
  ...outcomeApplications(outcome),
  ...('sipcode' in hangup
    ? [
        { name: 'respond', data: String(hangup.sipcode) },
        { name: 'hangup', data: '' },
      ]
    : [{ name: 'hangup', data: hangup.cause }]),
];

/** What happens when a group of targets has failed. */
export interface FailurePolicy {
  /** Causes after which no further group is dialled and no further request is made. */
  readonly finalCauses: readonly HangupCause[];
  /** The request to make when every group has failed: the hosts of the `socket` application, and its attempt number. */
  readonly nextRequest?: { readonly socket: string; readonly attempt: number };
}

const continueAfterFailure = (finalCauses: readonly HangupCause[]): Settings =>
  finalCauses.length === 0
    ? { failure_causes: '', continue_on_fail: 'true' }
    : { failure_causes: finalCauses.join(','), continue_on_fail: '' };

const END_AFTER_FAILURE: Settings = { failure_causes: '', continue_on_fail: 'false' };

/** Unsets what the decision exported and hands the call to an agent again. Ends the call when no agent takes it. */
const requestAgain = (
  names: readonly string[],
  { socket, attempt }: NonNullable<FailurePolicy['nextRequest']>,
): Application[] => [
  ...names.map((name) => ({ name: 'unset', data: exportedName(name) })),
  set(ATTEMPT_VARIABLE, String(attempt)),
  { name: 'socket', data: socket },
  { name: 'hangup', data: `\${originate_failed_cause}` },
];

/**
 * Dials: one `bridge` for each group. After a group fails, the next one is dialled unless the cause is final. The last
 * failure ends the call inside FreeSWITCH, which then gives the caller the cause of that failure (NO_ANSWER included).
 * `hangup_after_bridge` prevents further dialling after an answered call.
 */
export function dialApplications(
  groups: readonly DialableGroup[],
  exported: Group['variables'],
  outcome: Outcome,
  { finalCauses, nextRequest }: FailurePolicy,
): Application[] {
  const last = groups.length - 1;
  const policy = (index: number): Settings => {
    if (index === last && !nextRequest) return END_AFTER_FAILURE;
    return index === 0 ? continueAfterFailure(finalCauses) : {};
  };
  const bridges = groups.flatMap(({ variables: own, legs }, index): Application[] => [
    ...(index === 0 ? [] : [setTogether({ ...CLEAR_LAST_STATUS, ...policy(index) })]),
    { name: 'bridge', data: formatGroup(own, legs) },
  ]);
  return [
    ...exportAndSet(exported, outcome, { hangup_after_bridge: 'true', ...policy(0) }),
    ...bridges,
    ...(nextRequest ? requestAgain(Object.keys(exported), nextRequest) : [{ name: 'hangup', data: '' }]),
  ];
}
