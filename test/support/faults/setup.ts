import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * Vitest's global setup: the last resort of a process (its handler for uncaught exceptions) must not be needed. A use
 * in any process of the run fails the run. A test that expects one clears FAULTS_FILE in the environment of its child.
 */
export function setup(): (() => void) | undefined {
  // Once for all projects.
  if (process.env['FAULTS_FILE'] !== undefined) return undefined;
  const dir = mkdtempSync(join(tmpdir(), 'dialhook-faults-'));
  const file = join(dir, 'faults');
  writeFileSync(file, '');
  const preload = `--import=${pathToFileURL(join(import.meta.dirname, 'record.mjs'))}`;
  process.env['FAULTS_FILE'] = file;
  process.env['NODE_OPTIONS'] = [process.env['NODE_OPTIONS'], preload].filter(Boolean).join(' ');
  return () => {
    const faults = readFileSync(file, 'utf8').split('\n').filter(Boolean);
    rmSync(dir, { recursive: true });
    if (faults.length === 0) return;
    for (const fault of new Set(faults))
      console.error(`fault in a process of the run: ${fault.slice(0, 500)}`);
    process.exitCode = 1;
  };
}
