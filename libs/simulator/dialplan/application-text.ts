import type { ExecutedApplication } from '#libs/simulator/call-record.ts';

/** Parses `NAME DATA`. */
export function parseApplication(text: string): ExecutedApplication {
  const space = text.indexOf(' ');
  return space < 0 ? { name: text, data: '' } : { name: text.slice(0, space), data: text.slice(space + 1) };
}
