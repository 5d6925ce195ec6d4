import { type Application, exportedName, nestedSet, type Settings } from './settings.ts';

/** Undoes the settings of a decision. FreeSWITCH runs it before it routes a transferred channel. */
export const UNDO_VARIABLE = 'execute_on_blind_transfer_dialhook';

/** UNDO_VARIABLE for a decision that sets `settings` and exports variables with these names. */
export function undoing(settings: Settings, exportedNames: readonly string[]): Settings {
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
export function undoEarlier(undo: string): Application[] {
  const data = UNDO.exec(undo)?.[1];
  return data === undefined ? [] : [{ name: 'multiset', data }];
}
