import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Unavailable } from './unavailable.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** Until there is a release: the first commit whose services keep fields of messages that they do not know. */
const FIRST_COMPATIBLE = '34ae56b0932065323a908fd447219bfd0fa70f5b';

const git = (...args: readonly string[]): Buffer =>
  execFileSync('git', args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 2 ** 30 });

/** The last release before this commit. */
function earlierCommit(): string {
  const tag = spawnSync('git', ['describe', '--tags', '--abbrev=0', 'HEAD^'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  if (tag.status === 0) return tag.stdout.trim();
  return FIRST_COMPATIBLE;
}

let folder: string | undefined;

export function removeEarlier(): void {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  folder = undefined;
}

/**
 * A folder with an earlier version of Dialhook, which is removed when this process exits.
 * @throws {Unavailable} without git or its history.
 */
export function earlierFiles(): string {
  if (folder !== undefined) return folder;
  const created = mkdtempSync(join(tmpdir(), 'dialhook-earlier-'));
  folder = created;
  process.once('exit', removeEarlier);
  try {
    execFileSync('tar', ['-x', '-C', created], { input: git('archive', earlierCommit()) });
  } catch (error) {
    throw new Unavailable(`needs git and the history of this repository (${(error as Error).message})`);
  }
  return created;
}

/** The same folder, with the packages of that version. @throws {Unavailable} as above. */
export function earlierVersion(): string {
  const found = earlierFiles();
  if (existsSync(join(found, 'node_modules'))) return found;
  const lock = (root: string) => readFileSync(join(root, 'package-lock.json'), 'utf8');
  if (lock(found) === lock(ROOT)) symlinkSync(join(ROOT, 'node_modules'), join(found, 'node_modules'));
  else execFileSync('npm', ['ci', '--omit=dev', '--no-audit', '--no-fund'], { cwd: found, stdio: 'ignore' });
  return found;
}
