import type { HangupCause } from '#libs/contract/causes.ts';
import type { Group, Plan } from '#libs/contract/plan.ts';
import type { Result } from '#libs/contract/results.ts';
import { BracketText } from '#libs/contract/text.ts';
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

/** Variables by name; an empty one is unset. Values are constants of our own, or plain. */
type Settings = Readonly<Record<string, string>>;

/** Sets them all with one application: each that FreeSWITCH runs takes time and makes two events. */
const setTogether = (settings: Settings): Application => ({
  name: 'multiset',
  data: `^^;${Object.entries(settings)
    .map(([name, value]) => `${name}=${value}`)
    .join(';')}`,
});

/** Where `export` keeps a variable that only the called legs get (switch_channel_export_variable_var_check). */
const exportedName = (name: string): string => `nolocal:${name}`;

const exportToCalled = (name: string, value: string): Application => ({
  name: 'export',
  data: `${exportedName(name)}=${value}`,
});

/** What `multiset` and `set` take as it stands: nothing to expand, no quotes and no semicolon. */
const isPlain = (value: string): boolean => !value.includes('$') && BracketText.safeParse(value).success;

/** What `export` does, as settings: the names go behind those that are exported already. */
function exportSettings(exported: Group['variables']): Settings {
  const names = Object.keys(exported).map(exportedName);
  if (names.length === 0) return {};
  return {
    ...Object.fromEntries(Object.entries(exported).map(([name, value]) => [exportedName(name), value])),
    export_vars: `\${export_vars},${names.join(',')}`,
  };
}

/**
 * Marks both legs of a call. `cti_bridge` rides along, so that the legs that the dialplan goes on to call say whom to
 * tell should the agent end now; by its name, as to copy its value would expand what a caller may have written into it.
 */
export const TAG_CALL = setTogether({
  [CALL_VARIABLE]: '${uuid}',
  export_vars: `${CALL_VARIABLE},cti_bridge,\${export_vars}`,
});

/** The channel variable that counts how often the endpoint was asked about a call. */
export const ATTEMPT_VARIABLE = 'dialhook_attempt';

/**
 * FreeSWITCH expands ${...}, API calls included, in the data of every application but those behind this one. It is
 * taken back before the call is dialled, because a call that is transferred later needs expansion again. `set` expands
 * its value all the same (base_set in mod_dptools.c), and so does `multiset`: they may carry what is plain only.
 */
const EXPANSION_OFF = set('app_disable_expand_variables', 'true');
/** In what has neither FreeSWITCH finds nothing to expand (switch_channel_expand_variables_check). */
const EXPANDABLE = /[$\\]/;
const EXPANSION_ON: Settings = { app_disable_expand_variables: 'false' };

/** FreeSWITCH would give the caller the SIP status of an earlier target with the cause of a later one. */
const FORGET_LAST_STATUS: Settings = { last_bridge_proto_specific_hangup_cause: '' };

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
export const outcomeVariables = ({ result, error = '' }: Outcome) => ({
  dialhook_result: result,
  dialhook_error: harmless(error),
});

/** Sets how the question ended, and more before and behind it; words of others need an application of their own. */
function outcomeApplications(outcome: Outcome, before: Settings = {}, behind: Settings = {}): Application[] {
  const { dialhook_result, dialhook_error } = outcomeVariables(outcome);
  return [
    setTogether({ ...before, dialhook_result, dialhook_error: '', ...behind }),
    ...(dialhook_error === '' ? [] : [set('dialhook_error', dialhook_error)]),
  ];
}

/** Exports to the called legs, sets how the question ended, and more: all at once where what is exported is plain. */
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

const goOn = (finalCauses: readonly HangupCause[]): Settings =>
  finalCauses.length === 0
    ? { failure_causes: '', continue_on_fail: 'true' }
    : { failure_causes: finalCauses.join(','), continue_on_fail: '' };

const STOP: Settings = { failure_causes: '', continue_on_fail: 'false' };

/** After a failed dial: what the decision had exported goes, and the endpoint is asked again or the call ends. */
const askAgain = (names: readonly string[], again: NonNullable<FailurePolicy['again']>): Application[] => [
  ...names.map((name) => ({ name: 'unset', data: exportedName(name) })),
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
  exported: Group['variables'],
  outcome: Outcome,
  { finalCauses, again }: FailurePolicy,
): Application[] {
  const last = groups.length - 1;
  const policy = (index: number): Settings => {
    if (index === last && !again) return STOP;
    return index === 0 ? goOn(finalCauses) : {};
  };
  const bridges = groups.flatMap(({ variables: own, legs }, index): Application[] => [
    ...(index === 0 ? [] : [setTogether({ ...FORGET_LAST_STATUS, ...policy(index) })]),
    { name: 'bridge', data: formatGroup(own, legs) },
  ]);
  return [
    ...exportAndSet(exported, outcome, { hangup_after_bridge: 'true', ...policy(0) }),
    ...bridges,
    ...(again ? askAgain(Object.keys(exported), again) : [{ name: 'hangup', data: '' }]),
  ];
}
