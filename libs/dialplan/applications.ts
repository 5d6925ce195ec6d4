import { type FinalCause, isHangupCause } from '#libs/contract/decision.ts';
import type { DialPlan, Group, Plan } from '#libs/contract/plan.ts';
import type { Result } from '#libs/contract/results.ts';
import { formatGroup } from './dial-string.ts';
import { groupVariables, legVariables, type RingTime, telVariables } from './leg-variables.ts';
import { type CallerFacts, presentation } from './presentation.ts';
import {
  type Application,
  exportedName,
  exportToCalled,
  isPlain,
  nestedSet,
  type Settings,
  set,
  setTogether,
} from './settings.ts';

export type { Application } from './settings.ts';

/** Legs whose users have been replaced by their devices: every one can be dialled. */
export interface DialableGroup {
  readonly variables: Group['variables'];
  readonly legs: readonly (RingTime & {
    readonly endpoint: string;
    readonly tel_params?: string | undefined;
    readonly variables: Group['variables'];
  })[];
}

export type Hangup = Extract<Plan, { hangup: unknown }>['hangup'];

/** The channel variable that tags the legs of a call. Its value is the uuid of the call. */
export const CALL_VARIABLE = 'dialhook_call';

/**
 * The channel variable that holds the actions that the endpoint wants, separated by dots; not set for the default. Set on
 * the caller leg by a decision, and exported to every leg that is called from then on.
 */
export const NOTIFY_VARIABLE = 'dialhook_notify';

/** NOTIFY_VARIABLE for the actions of a decision. No action at all is written as one dot. */
export const notifySetting = (actions: readonly string[] | undefined): string =>
  actions === undefined ? '' : actions.join('.') || '.';

/**
 * Tags the caller leg and exports the tag to its called legs, with further variables. cti_bridge is exported by name,
 * so that each event names the endpoint; copying its value would expand text that the caller may have chosen.
 */
export const tagCall = (variables: Settings): Application =>
  setTogether({
    [CALL_VARIABLE]: '${uuid}',
    ...variables,
    export_vars: [
      CALL_VARIABLE,
      'cti_bridge',
      NOTIFY_VARIABLE,
      ...Object.keys(variables),
      '${export_vars}',
    ].join(','),
  });

/** The channel variable that holds how many requests have been made about a call. */
export const ATTEMPT_VARIABLE = 'dialhook_attempt';

/** Why `socket` was entered from an extension of ours, see `Entry`. Missing when the dialplan entered it. */
export const ENTRY_VARIABLE = 'dialhook_entry';

/**
 * `next`: a target has failed and another one follows; `last`: the last target has failed; `failed`: the last target
 * has failed and on_fail is `request`.
 */
export type Entry = 'next' | 'last' | 'failed';

/** The cause for the caller when no target is left. */
export const CAUSE_VARIABLE = 'dialhook_cause';

/** Undoes the settings of a decision. FreeSWITCH runs it before it routes a transferred channel. */
export const UNDO_VARIABLE = 'execute_on_blind_transfer_dialhook';

/** Final causes and on_redirect of the decision, which the agent checks when `socket` is entered as `next` or `failed`. */
export const FINAL_VARIABLE = 'dialhook_final';
export const ON_REDIRECT_VARIABLE = 'dialhook_on_redirect';

/**
 * FreeSWITCH expands ${...}, which includes API calls, in the data of the applications of a call. Expansion is off for
 * the applications after this one and on again before the call is dialled, because a later transfer needs it. `set` and
 * `multiset` expand their value anyway (base_set in mod_dptools.c).
 */
const EXPANSION_OFF = set('app_disable_expand_variables', 'true');
const EXPANSION_ON: Settings = { app_disable_expand_variables: 'false' };
/** FreeSWITCH expands only text with one of these (switch_channel_expand_variables_check). */
const EXPANDABLE = /[$\\]/;

/** Without this the caller would get the SIP status of an earlier target with the cause of a later one. */
const FORGET_LAST_STATUS: Settings = {
  last_bridge_proto_specific_hangup_cause: '',
  last_bridge_hangup_cause: '',
  originate_failed_cause: '',
};

/** The result of a request, as it is set on the caller leg. */
export interface Outcome {
  readonly result: Result;
  readonly error?: string;
}

const MAX_ERROR = 500;

/** Text that FreeSWITCH neither expands nor reads as a list. */
const harmless = (text: string): string =>
  text
    .replaceAll(/[\p{Cc}$\\]/gu, ' ')
    .replace(/^ARRAY::/, ' ARRAY::')
    .slice(0, MAX_ERROR)
    .toWellFormed();

/** The channel variables that hold the result of a request. */
export const outcomeVariables = ({ result, error = '' }: Outcome) => ({
  dialhook_result: result,
  dialhook_error: harmless(error),
});

/** Sets `settings` and the result. The error text may hold separators of `multiset`, so it has its own application. */
function settingsApplications(outcome: Outcome, settings: Settings): Application[] {
  const { dialhook_result, dialhook_error } = outcomeVariables(outcome);
  return [
    setTogether({ ...settings, dialhook_result, dialhook_error: '' }),
    ...(dialhook_error === '' ? [] : [set('dialhook_error', dialhook_error)]),
  ];
}

/** Hangs the caller up with a SIP status, which FreeSWITCH turns into a cause, or with a cause. */
export const hangupApplications = (hangup: Hangup, outcome: Outcome, attempt: number): Application[] => [
  ...settingsApplications(outcome, { [ATTEMPT_VARIABLE]: String(attempt) }),
  ...('sipcode' in hangup
    ? [
        { name: 'respond', data: String(hangup.sipcode) },
        { name: 'hangup', data: '' },
      ]
    : [{ name: 'hangup', data: hangup.cause }]),
];

/** What happens when a group of targets has failed. */
export interface FailurePolicy {
  /** Causes and SIP statuses after which no further target is tried and no further request is made. */
  readonly finalCauses: readonly FinalCause[];
  /** Whether another request is made when every group has failed. */
  readonly requestAgain: boolean;
  readonly onRedirect: DialPlan['on_redirect'];
  /** The hosts of the `socket` action of the dialplan, through which the agent is entered again; undefined when unknown. */
  readonly socket: string | undefined;
}

/** The data of one call that dialling needs. */
export interface Dial {
  readonly groups: readonly DialableGroup[];
  readonly plan: Pick<DialPlan, 'variables' | 'caller_id' | 'callee_id' | 'pass_headers' | 'media'>;
  readonly caller: CallerFacts;
  /** Further variables of the called legs. */
  readonly exported: Settings;
  readonly outcome: Outcome;
  /** The number of this request. */
  readonly attempt: number;
  /** Further variables of the caller leg, which a transfer does not unset. */
  readonly settings: Settings;
  /** UNDO_VARIABLE of the caller leg: an earlier decision about the same call set it; `''` without one. */
  readonly undo: string;
  readonly policy: FailurePolicy;
}

/** How FreeSWITCH itself chooses the next target: by cause. It cannot distinguish SIP statuses, see `enteredAfter`. */
function continueUnlessFinal(finalCauses: FailurePolicy['finalCauses']): Settings {
  const causes = finalCauses.filter(isHangupCause);
  return causes.length === 0
    ? { failure_causes: '', continue_on_fail: 'true' }
    : { failure_causes: causes.join(','), continue_on_fail: '' };
}

/** The cause of a leg that answered with a redirect (SIP 3xx). */
const REDIRECTED = 'REQUESTED_CHAN_UNAVAIL';

/**
 * Gives the caller the cause and the SIP status of the target that fails next, NO_ANSWER included. After a redirect
 * FreeSWITCH would answer the caller with 3xx: see `endAfterRedirect`.
 */
const STOP: Settings = { failure_causes: '', continue_on_fail: REDIRECTED };

/** FreeSWITCH answers a caller with the last SIP status of a called leg (sofia_on_hangup in mod_sofia.c). */
export const FORGET_STATUS: Application = setTogether({ last_bridge_proto_specific_hangup_cause: '' });

/** Reached when the last target redirected: the caller gets the cause without the status. */
const endAfterRedirect: readonly Application[] = [
  FORGET_STATUS,
  { name: 'hangup', data: '${originate_failed_cause}' },
];

/** The reason with which the agent is entered after a failed group; undefined when it is not entered. */
function enteredAfter(isLast: boolean, policy: FailurePolicy): Entry | undefined {
  const { socket, finalCauses, onRedirect, requestAgain } = policy;
  if (socket === undefined) return undefined;
  if (isLast && requestAgain) return 'failed';
  if (isLast) return onRedirect === 'fail' ? undefined : 'last';
  const isCauseEnough = onRedirect === 'fail' && finalCauses.every(isHangupCause);
  return isCauseEnough ? undefined : 'next';
}

/** Enters the agent again. When no agent accepts the connection, FreeSWITCH continues with the next application. */
const enterAgain = (entry: Entry, socket: string): Application[] => [
  setTogether({ [ENTRY_VARIABLE]: entry, [CAUSE_VARIABLE]: '${last_bridge_hangup_cause}' }),
  { name: 'socket', data: socket },
];

/** Variables of the caller leg that a decision sets for the time of its own bridges. */
function callerLegSettings({ plan, caller, policy, groups }: Dial): Settings {
  const isEntered = groups.some(
    (_, index) => enteredAfter(index === groups.length - 1, policy) !== undefined,
  );
  return {
    hangup_after_bridge: 'true',
    ...presentation(caller, plan).callerLeg,
    ...(plan.media === undefined ? {} : { [`${plan.media}_media`]: 'true' }),
    ...(isEntered
      ? { [FINAL_VARIABLE]: policy.finalCauses.join(','), [ON_REDIRECT_VARIABLE]: policy.onRedirect }
      : {}),
    [ENTRY_VARIABLE]: '',
  };
}

/** UNDO_VARIABLE for a decision that sets `settings` and exports variables with these names. */
function undoing(settings: Settings, exportedNames: readonly string[]): Settings {
  const unset = [
    ...Object.keys(settings),
    'failure_causes',
    'continue_on_fail',
    ...exportedNames.map(exportedName),
    UNDO_VARIABLE,
  ];
  return {
    [UNDO_VARIABLE]: nestedSet({
      // Expanded when the variable is set: the names that were exported before the decision.
      ...(exportedNames.length === 0 ? {} : { export_vars: '${export_vars}' }),
      ...Object.fromEntries(unset.map((name) => [name, ''])),
    }),
  };
}

const UNDO = /^multiset (\^\^\|[^$\\\p{Cc}]*)$/u;

/** Undoes the settings of an earlier decision about the same call. */
function undoEarlier(undo: string): Application[] {
  const data = UNDO.exec(undo)?.[1];
  return data === undefined ? [] : [{ name: 'multiset', data }];
}

/** The variables of every called leg, before those of its group and its own. */
export const calledVariables = ({
  plan,
  caller,
  exported,
}: Pick<Dial, 'plan' | 'caller' | 'exported'>): Settings => ({
  outbound_redirect_fatal: 'true',
  ...presentation(caller, plan).calledLegs,
  ...exported,
  ...plan.variables,
});

/** A caller number of a dial string comes without the display name of the caller, which often is its number. */
function withName(variables: Group['variables']): Group['variables'] {
  const { origination_caller_id_number: number, origination_caller_id_name: name = number } = variables;
  return name === undefined ? variables : { ...variables, origination_caller_id_name: name };
}

/** The dial string of one group: the variables of the decision, those of the group, and each leg with its own. */
function dialString(group: DialableGroup, called: Settings): string {
  const legs = group.legs.map((leg) => ({
    endpoint: leg.endpoint,
    variables: { ...withName(leg.variables), ...legVariables(leg), ...telVariables(leg) },
  }));
  return formatGroup({ ...groupVariables(group.legs), ...called, ...withName(group.variables) }, legs);
}

/** One `bridge` for each group. A group that fails leads to the next one, unless its cause or SIP status is final. */
function bridgeApplications({ groups, policy }: Dial, called: Settings): Application[] {
  return groups.flatMap((group, index): Application[] => {
    const isLast = index === groups.length - 1;
    const entry = enteredAfter(isLast, policy);
    return [
      ...(index === 0
        ? []
        : [setTogether({ ...FORGET_LAST_STATUS, ...(isLast && entry === undefined ? STOP : {}) })]),
      { name: 'bridge', data: dialString(group, called) },
      ...(entry === undefined ? [] : enterAgain(entry, policy.socket ?? '')),
    ];
  });
}

/**
 * Places a call. The last bridge ends it, so that FreeSWITCH gives the caller its cause. `hangup_after_bridge` ends the
 * call when an answered party hangs up.
 *
 * Variables of the called legs are written into the dial strings, so that they end with their bridge. A value that a
 * dial string cannot hold is exported, and removed again before another leg is called.
 */
export function dialApplications(dial: Dial): Application[] {
  const { groups, outcome, policy } = dial;
  const called = Object.entries(calledVariables(dial));
  const plain = Object.fromEntries(called.filter(([, value]) => isPlain(value)));
  const others = called.filter(([, value]) => !isPlain(value));
  const guarded = others.some(([, value]) => EXPANDABLE.test(value));
  const settings = callerLegSettings(dial);
  const undo = undoing(
    settings,
    others.map(([name]) => name),
  );
  const entryAtEnd = enteredAfter(true, policy);
  const isOneTarget = groups.length === 1 && entryAtEnd === undefined;
  return [
    ...undoEarlier(dial.undo),
    ...(others.length === 0 ? [] : [setTogether(undo)]),
    ...(guarded ? [EXPANSION_OFF] : []),
    ...others.map(([name, value]) => exportToCalled(name, value)),
    ...settingsApplications(outcome, {
      ...(guarded ? EXPANSION_ON : {}),
      ...FORGET_LAST_STATUS,
      ...settings,
      ...(isOneTarget ? STOP : continueUnlessFinal(policy.finalCauses)),
      ...(others.length === 0 ? undo : {}),
      ...dial.settings,
      [ATTEMPT_VARIABLE]: String(dial.attempt),
    }),
    ...bridgeApplications(dial, plain),
    ...(entryAtEnd === undefined ? endAfterRedirect : [{ name: 'hangup', data: `\${${CAUSE_VARIABLE}}` }]),
  ];
}
