import type { Paint } from './command.ts';
import { plain } from './table.ts';

/** The applications sent to FreeSWITCH, one a line; those that route or end the call are bold. */
export const applicationLines = (applications: readonly string[], paint: Paint): string[] =>
  applications.map((line) =>
    /^(bridge|hangup|respond|socket)\b/.test(line) ? paint('bold', plain(line)) : plain(line),
  );
