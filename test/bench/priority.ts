import { writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';

const ABOVE_OTHERS = -15;

/**
 * On a machine that has other work too, all processes of a bench come first, where that is allowed. Linux weighs
 * sessions before it weighs the processes in each, and servers have sessions of their own.
 */
export function comeFirst(pid = process.pid): void {
  try {
    setPriority(pid, ABOVE_OTHERS);
    writeFileSync(`/proc/${pid}/autogroup`, String(ABOVE_OTHERS));
  } catch {}
}
