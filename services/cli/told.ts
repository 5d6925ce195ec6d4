import type { Paint } from './command-line.ts';
import { plain } from './table.ts';

/** Applications that FreeSWITCH is told, those that carry the call made to stand out. */
export const toldLines = (applications: readonly string[], paint: Paint): string[] =>
  applications.map((line) =>
    /^(bridge|hangup|respond|socket)\b/.test(line) ? paint('bold', plain(line)) : plain(line),
  );
