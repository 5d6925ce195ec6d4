import { writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';

const ABOVE_OTHERS = -15;

/**
 * Raises the priority of a process above other work on the machine, if permitted. Linux schedules sessions before
 * processes, and servers have their own sessions, so the session's autogroup is raised too.
 */
export function raisePriority(pid = process.pid): void {
  try {
    setPriority(pid, ABOVE_OTHERS);
    writeFileSync(`/proc/${pid}/autogroup`, String(ABOVE_OTHERS));
  } catch {}
}
