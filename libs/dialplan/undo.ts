import { type Application, exportedName, nestedSet, type Settings } from './settings.ts';

/** Undoes the settings of a decision. FreeSWITCH runs it before it routes a transferred channel. */
export const UNDO_VARIABLE = 'execute_on_blind_transfer_dialhook';

/**
 * Variables that each leg gets when it is bridged with the caller leg, before FreeSWITCH updates the displays
 * (check_bridge_export in switch_ivr_bridge.c). Otherwise a phone that picks the call up, or that a transfer connects,
 * would be shown the number of the caller.
 */
export const BRIDGE_EXPORTS = 'bridge_export_vars';
const NO_UPDATES = 'ignore_display_updates';

/** BRIDGE_EXPORTS of a caller leg that has the value `current`: nothing to set when an earlier decision has set it. */
export const bridgeExports = (current: string): Settings =>
  current.split(',').includes(NO_UPDATES) ? {} : { [BRIDGE_EXPORTS]: `${NO_UPDATES},\${${BRIDGE_EXPORTS}}` };

/**
 * Settings that stay with the caller leg: after a transfer too the caller is not shown the number of the party that it
 * reaches, and a phone that takes it from a parking lot is not shown the number of the caller.
 */
const KEPT: ReadonlySet<string> = new Set([
  'initial_callee_id_number',
  'initial_callee_id_name',
  NO_UPDATES,
  BRIDGE_EXPORTS,
]);

/** UNDO_VARIABLE for a decision that sets `settings` and exports variables with these names. */
export function undoing(settings: Settings, exportedNames: readonly string[]): Settings {
  const unset = [
    ...Object.keys(settings).filter((name) => !KEPT.has(name)),
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
export function undoEarlier(undo: string): Application[] {
  const data = UNDO.exec(undo)?.[1];
  return data === undefined ? [] : [{ name: 'multiset', data }];
}
