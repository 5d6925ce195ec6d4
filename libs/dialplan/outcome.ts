import type { Result } from '#libs/contract/results.ts';
import { type Application, type Settings, set, setTogether } from './settings.ts';

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
export function settingsApplications(outcome: Outcome, settings: Settings): Application[] {
  const { dialhook_result, dialhook_error } = outcomeVariables(outcome);
  return [
    setTogether({ ...settings, dialhook_result, dialhook_error: '' }),
    ...(dialhook_error === '' ? [] : [set('dialhook_error', dialhook_error)]),
  ];
}
