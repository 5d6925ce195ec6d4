import type { DialPlan, Plan } from '#libs/contract/plan.ts';
import type { Acceptance } from './acceptance.ts';
import {
  bridgeApplications,
  CLEAR_LAST_FAILURE,
  entrySettings,
  type FailurePolicy,
  failureSettings,
} from './after-failure.ts';
import { type DialableGroup, dialString, redirectPrefix } from './bridge.ts';
import { COLLECT_ONCE, COLLECT_SETTINGS } from './collect.ts';
import type { DurationLimit } from './duration.ts';
import { type Outcome, settingsApplications } from './outcome.ts';
import { bridgeExports, type CallerFacts, presentation } from './presentation.ts';
import type { Recording } from './recording.ts';
import { DATA_VARIABLE, NOTIFY_URL_VARIABLE, NOTIFY_VARIABLE, type ReportingSettings } from './reporting.ts';
import { type Application, exportToCalled, isPlain, type Settings, set, setTogether } from './settings.ts';
import { SKIPPED_VARIABLE } from './skipped.ts';
import type { FindSound } from './sounds.ts';
import { undoEarlier, undoing } from './undo.ts';

export type Hangup = Extract<Plan, { hangup: unknown }>['hangup'];

/** The channel variable that tags the legs of a call. Its value is the id of the call. */
export const CALL_VARIABLE = 'dialhook_call';

/** The channel variable that holds how many requests have been made about a call. */
export const ATTEMPT_VARIABLE = 'dialhook_attempt';

/** The channel variable that holds how many transfers of the channel earlier requests have reported. */
export const TRANSFERS_VARIABLE = 'dialhook_transfers';

/** Exported to the called legs, so that each event names the call and its endpoint. */
const EXPORTED = [CALL_VARIABLE, 'cti_bridge', NOTIFY_VARIABLE, ATTEMPT_VARIABLE];

/**
 * When a party transfers a caller to a call that still rings, and that call then fails, FreeSWITCH gives the channel of
 * that caller the remaining applications and all variables of the other call, except those named in
 * attended_transfer_no_copy (switch_channel_caller_extension_masquerade in switch_channel.c).
 */
const NOT_COPIED = [
  NOTIFY_URL_VARIABLE,
  DATA_VARIABLE,
  TRANSFERS_VARIABLE,
  SKIPPED_VARIABLE,
  'originated_legs',
  'originate_causes',
];

/**
 * Tags the caller leg and exports the tag to its called legs, with further variables; `unset` are not exported.
 * cti_bridge is exported by name, because copying its value would expand text that the caller may have chosen.
 */
export function tagCall(call: string, variables: Settings, unset: Settings = {}): Application {
  const exported = [...EXPORTED, ...Object.keys(variables)];
  return setTogether({
    [CALL_VARIABLE]: call,
    ...variables,
    ...unset,
    export_vars: [...exported, '${export_vars}'].join(','),
    attended_transfer_no_copy: [...exported, ...NOT_COPIED, '${attended_transfer_no_copy}'].join(','),
  });
}

/**
 * FreeSWITCH expands ${...}, which includes API calls, in the data of the applications of a call. Expansion is off for
 * the applications after this one and on again before the call is dialled, because a later transfer needs it. `set` and
 * `multiset` expand their value anyway (base_set in mod_dptools.c).
 */
const EXPANSION_OFF = set('app_disable_expand_variables', 'true');
const EXPANSION_ON: Settings = { app_disable_expand_variables: 'false' };
/** FreeSWITCH expands only text with one of these (switch_channel_expand_variables_check). */
const EXPANDABLE = /[$\\]/;

/** A sound for the caller before it is hung up: as early media, or after an answer. */
export interface Announcement {
  readonly path: string;
  readonly answer: boolean;
}

/** The announcement of a decision; undefined without one, or without its sound. */
export function announcementOf(
  { play, answer = false }: { readonly play?: string | undefined; readonly answer?: boolean | undefined },
  find: FindSound,
): Announcement | undefined {
  const path = play === undefined ? undefined : find(play);
  return path === undefined ? undefined : { path, answer };
}

/**
 * Hangs the caller up with a SIP status, which FreeSWITCH turns into a cause, or with a cause. `settings` are further
 * variables of the caller leg.
 */
export const hangupApplications = (
  hangup: Hangup,
  outcome: Outcome,
  attempt: number,
  settings: Settings = {},
  announcement?: Announcement,
): Application[] => [
  ...settingsApplications(outcome, {
    // The caller would get the SIP status of a target of an earlier decision.
    ...(attempt > 1 ? CLEAR_LAST_FAILURE : {}),
    ...settings,
    [ATTEMPT_VARIABLE]: String(attempt),
  }),
  ...(announcement === undefined
    ? []
    : [
        { name: announcement.answer ? 'answer' : 'pre_answer', data: '' },
        { name: 'playback', data: announcement.path },
      ]),
  ...('sipcode' in hangup
    ? [
        { name: 'respond', data: String(hangup.sipcode) },
        { name: 'hangup', data: '' },
      ]
    : [{ name: 'hangup', data: hangup.cause }]),
];

/** The data of one call that collecting digits needs. */
export interface Collection {
  /** The applications that collect the digits, see `readDigitsApplications`. */
  readonly applications: readonly Application[];
  readonly outcome: Outcome;
  readonly attempt: number;
  readonly settings: Settings;
  readonly reporting: ReportingSettings;
  readonly undo: string;
}

/** Collects digits of the caller. Nothing of an earlier decision about the call remains. */
export const collectionApplications = (collection: Collection): Application[] => [
  ...undoEarlier(collection.undo),
  ...exportToLaterLegs(collection.reporting),
  ...settingsApplications(collection.outcome, {
    ...COLLECT_ONCE,
    ...COLLECT_SETTINGS,
    ...undoing(COLLECT_SETTINGS, []),
    ...collection.settings,
    ...collection.reporting.settings,
    [ATTEMPT_VARIABLE]: String(collection.attempt),
  }),
  ...collection.applications,
];

/** The data of one call that dialling needs. */
export interface Dial {
  readonly groups: readonly DialableGroup[];
  readonly plan: Pick<
    DialPlan,
    'variables' | 'caller_id' | 'callee_id' | 'pass_headers' | 'media' | 'codecs' | 'early_media'
  >;
  readonly caller: CallerFacts;
  /** Further variables of the called legs. */
  readonly exported: Settings;
  readonly outcome: Outcome;
  /** The number of this request. */
  readonly attempt: number;
  /** Further variables of the caller leg, which a transfer does not unset. */
  readonly settings: Settings;
  readonly reporting: ReportingSettings;
  readonly duration?: DurationLimit | undefined;
  readonly acceptance?: Acceptance | undefined;
  readonly recording?: Recording | undefined;
  /** The path or tone of the ringback; undefined without one. */
  readonly ringback?: string | undefined;
  /** UNDO_VARIABLE of the caller leg: an earlier decision about the same call set it; `''` without one. */
  readonly undo: string;
  /** BRIDGE_EXPORTS of the caller leg; `''` when it is not set. */
  readonly bridgeExports: string;
  readonly policy: FailurePolicy;
}

/** transfer_ringback is for a caller that has been answered. `instant`: before the called party rings. */
const ringbackSettings = (ringback: string | undefined): Settings =>
  ringback === undefined ? {} : { ringback, transfer_ringback: ringback, instant_ringback: 'true' };

/** Variables of the caller leg that a decision sets: until the call is transferred, and for the rest of the call. */
function callerLegSettings(dial: Dial): { readonly untilTransfer: Settings; readonly lasting: Settings } {
  const { plan, caller, policy, groups, ringback } = dial;
  const { callerLeg, callerDisplay } = presentation(caller, plan);
  const untilTransfer = {
    hangup_after_bridge: 'true',
    ...callerLeg,
    ...(plan.media === undefined ? {} : { [`${plan.media}_media`]: 'true' }),
    ...ringbackSettings(ringback),
    ...entrySettings(groups.length, policy),
  };
  return { untilTransfer, lasting: { ...callerDisplay, ...bridgeExports(dial.bridgeExports) } };
}

/** Before the names of exported variables are stored for the undoing: these stay exported after a transfer. */
const exportToLaterLegs = ({ exports }: ReportingSettings): Application[] =>
  exports.length === 0 ? [] : [setTogether({ export_vars: [...exports, '${export_vars}'].join(',') })];

/** The variables of every called leg, before those of its group and its own. */
export const calledVariables = ({
  plan,
  caller,
  exported,
}: Pick<Dial, 'plan' | 'caller' | 'exported'>): Settings => ({
  outbound_redirect_fatal: 'true',
  ...presentation(caller, plan).calledLegs,
  ...exported,
  ...(plan.codecs === undefined ? {} : { absolute_codec_string: plan.codecs.join(',') }),
  ...plan.variables,
});

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
  const { untilTransfer, lasting } = callerLegSettings(dial);
  const undo = undoing(
    untilTransfer,
    others.map(([name]) => name),
  );
  const { duration, acceptance, recording } = dial;
  let nextLeg = 1;
  const numbered = groups.map((group) => {
    const firstLeg = nextLeg;
    nextLeg += group.legs.length;
    return { ...group, firstLeg };
  });
  const bridges = numbered.map((group, index) => {
    const whole = { ...group, duration, acceptance, recording, early_media: dial.plan.early_media };
    const by = [plain, dial.caller, dial.plan.caller_id] as const;
    return {
      dialString: dialString(whole, ...by),
      redirectPrefix: redirectPrefix({ ...whole, firstLeg: nextLeg + index }, ...by),
    };
  });
  return [
    ...undoEarlier(dial.undo),
    ...exportToLaterLegs(dial.reporting),
    ...(others.length === 0 ? [] : [setTogether(undo)]),
    ...(guarded ? [EXPANSION_OFF] : []),
    ...others.map(([name, value]) => exportToCalled(name, value)),
    ...settingsApplications(outcome, {
      ...(guarded ? EXPANSION_ON : {}),
      ...CLEAR_LAST_FAILURE,
      ...untilTransfer,
      ...failureSettings(groups.length, policy),
      ...(others.length === 0 ? undo : {}),
      ...lasting,
      ...dial.settings,
      ...dial.reporting.settings,
      [ATTEMPT_VARIABLE]: String(dial.attempt),
    }),
    ...bridgeApplications(bridges, policy),
  ];
}
