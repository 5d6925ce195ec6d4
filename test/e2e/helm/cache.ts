import { existsSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

/** Programs that the tests build for themselves, once. */
export const CACHE = join(import.meta.dirname, '..', '..', '..', 'node_modules', '.cache', 'dialhook');

const STALE_MS = 30 * 60_000;
const POLL_MS = 500;

export function onPath(program: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
}

const pause = (ms: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

function locked(lock: string): boolean {
  try {
    mkdirSync(lock);
    return true;
  } catch {
    const age = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > STALE_MS) rmSync(lock, { recursive: true, force: true });
    return false;
  }
}

/** Makes a file, unless it is there. Of test files that start at once one makes it and the others wait. */
export function once(file: string, make: () => void): void {
  mkdirSync(dirname(file), { recursive: true });
  const lock = `${file}.lock`;
  while (!existsSync(file) || existsSync(lock)) {
    if (!locked(lock)) {
      pause(POLL_MS);
      continue;
    }
    try {
      if (!existsSync(file)) make();
    } finally {
      rmSync(lock, { recursive: true, force: true });
    }
  }
}
