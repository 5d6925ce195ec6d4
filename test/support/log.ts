import { createLog } from '#libs/telemetry/log.ts';

/** One log line as a service writes it. */
export interface LogLine {
  readonly level: number;
  readonly event: string;
  readonly [field: string]: unknown;
}

/** A log at level debug whose lines are kept in `lines`, oldest first. */
export function recordLog(lines: LogLine[] = []) {
  const log = createLog('test', {
    level: 'debug',
    destination: { write: (line) => void lines.push(JSON.parse(line)) },
  });
  return { log, lines };
}

/** A log that writes nothing, unless TEST_LOG names a level (`TEST_LOG=info npm test`). */
export const quietLog = createLog('test', { level: process.env['TEST_LOG'] ?? 'silent' });
