import { BracketText } from '#libs/contract/text.ts';

/** One application of FreeSWITCH with its data, as in a dialplan. */
export interface Application {
  readonly name: string;
  readonly data: string;
}

/** Channel variables by name. An empty value unsets the variable. */
export type Settings = Readonly<Record<string, string>>;

/** Sets one variable of the caller leg. FreeSWITCH expands the value: it must be plain or a constant. */
export const set = (name: string, value: string): Application => ({ name: 'set', data: `${name}=${value}` });

const assignments = (settings: Settings, separator: string): string =>
  `^^${separator}${Object.entries(settings)
    .map(([name, value]) => `${name}=${value}`)
    .join(separator)}`;

/** Sets variables of the caller leg with one application, since each application that FreeSWITCH runs makes two events. */
export const setTogether = (settings: Settings): Application => ({
  name: 'multiset',
  data: assignments(settings, ';'),
});

/** The same as a value of `setTogether`, for variables such as execute_on_blind_transfer that hold an application. */
export const nestedSet = (settings: Settings): string => `multiset ${assignments(settings, '|')}`;

/** Whether `multiset`, `set` and dial strings keep a value unchanged: nothing to expand, no quotes, no separators. */
export const isPlain = (value: string): boolean =>
  !value.includes('$') && BracketText.safeParse(value).success;

/** Where `export` keeps a variable that only the called legs get (switch_channel_export_variable_var_check). */
export const exportedName = (name: string): string => `nolocal:${name}`;

/** Sets a variable on the called legs only. Unlike `set` it does not expand the value. */
export const exportToCalled = (name: string, value: string): Application => ({
  name: 'export',
  data: `${exportedName(name)}=${value}`,
});
