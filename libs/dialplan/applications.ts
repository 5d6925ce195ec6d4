import type { CallEndpoint } from '#libs/contract/arguments.ts';
import { formatArguments } from '#libs/contract/arguments.ts';
import type { Group, Plan } from '#libs/contract/plan.ts';
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

/**
 * FreeSWITCH expands ${...}, API calls included, in the data of every application. This turns that off for those
 * behind it. `set` expands its value all the same (base_set in mod_dptools.c): it may carry our own constants only.
 */
const NO_EXPANSION = set('app_disable_expand_variables', 'true');
const DECIDED = set('dialhook_result', 'decided');

/** FreeSWITCH would give the caller the SIP status of an earlier target with the cause of a later one. */
const FORGET_LAST_STATUS: Application = { name: 'unset', data: 'last_bridge_proto_specific_hangup_cause' };

/** What hangs a call up: by cause, or by SIP status while it is not answered yet. */
export const hangupApplications = ({ cause, sipcode }: Hangup): Application[] => [
  NO_EXPANSION,
  DECIDED,
  ...(sipcode === undefined ? [] : [{ name: 'respond', data: String(sipcode) }]),
  { name: 'hangup', data: cause },
];

/**
 * What places a call: one bridge for each group. `continue_on_fail` leads from a failed group to the next and is off
 * for the last, so that FreeSWITCH gives the caller that group's own cause, NO_ANSWER included.
 * `hangup_after_bridge` keeps a call that was answered from being dialled on.
 */
export function dialApplications(
  groups: readonly DialableGroup[],
  variables: Group['variables'],
  endpoint: CallEndpoint,
): Application[] {
  const bridges = groups.map(({ variables: own, legs }) => ({
    name: 'bridge',
    data: formatGroup(own, legs),
  }));
  const last = bridges.length - 1;
  return [
    NO_EXPANSION,
    DECIDED,
    set('hangup_after_bridge', 'true'),
    exportToCalled('cti_bridge', formatArguments(endpoint)),
    ...Object.entries(variables).map(([name, value]) => exportToCalled(name, value)),
    ...bridges.flatMap((bridge, index) => [
      ...(index === 0 ? [] : [FORGET_LAST_STATUS]),
      ...(index === 0 && last > 0 ? [set('continue_on_fail', 'true')] : []),
      ...(index === last ? [set('continue_on_fail', 'false')] : []),
      bridge,
    ]),
    { name: 'hangup', data: '' },
  ];
}
