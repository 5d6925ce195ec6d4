import type { ExecutedApplication } from '#libs/simulator/call-record.ts';

export type Application = ExecutedApplication;

/**
 * The next work of the thread of a leg: an extension's applications, nothing because the dialplan has no extension
 * (switch_core_standard_on_routing), or a function.
 */
export type Task = readonly Application[] | 'no route' | (() => Promise<void>);

/** Parses `NAME DATA`. */
function parseApplication(text: string): Application {
  const space = text.indexOf(' ');
  return space < 0 ? { name: text, data: '' } : { name: text.slice(0, space), data: text.slice(space + 1) };
}

/** FreeSWITCH leaves out an application whose data has a backslash before a quote. */
export const extensionOf = (applications: readonly string[]): readonly Application[] =>
  applications.map(parseApplication).filter(({ data }) => !data.includes("\\'"));
