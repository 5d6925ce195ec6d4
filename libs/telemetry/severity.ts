import { fstatSync } from 'node:fs';

/** Severities of syslog by level of a log line. */
const SEVERITIES: Readonly<Record<string, number>> = {
  trace: 7,
  debug: 7,
  info: 6,
  warn: 4,
  error: 3,
  fatal: 2,
};

/** Whether systemd has connected a file descriptor to the journal: JOURNAL_STREAM names its device and inode. */
function isJournal(fd: number, { JOURNAL_STREAM: stream }: NodeJS.ProcessEnv): boolean {
  if (!stream) return false;
  const { dev, ino } = fstatSync(fd);
  return stream === `${dev}:${ino}`;
}

/** The prefix by which journald takes the severity of a line (sd-daemon(3)); empty where a line does not go to the journal. */
export function severityPrefix(fd: number, env = process.env): (level: string) => string {
  if (!isJournal(fd, env)) return () => '';
  return (level) => `<${SEVERITIES[level] ?? SEVERITIES['info']}>`;
}
