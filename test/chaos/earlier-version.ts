import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Unavailable } from './unavailable.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** Used as long as nothing has been released. */
const COMMITS_AGO = 50;

const git = (...args: readonly string[]): Buffer =>
  execFileSync('git', args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 2 ** 30 });

/** The last release before this commit, or the commit of some time ago. */
function earlierCommit(): string {
  const tag = spawnSync('git', ['describe', '--tags', '--abbrev=0', 'HEAD^'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  if (tag.status === 0) return tag.stdout.trim();
  return git('rev-parse', '--verify', `HEAD~${COMMITS_AGO}`).toString().trim();
}

let folder: string | undefined;

/**
 * A folder with an earlier version of Dialhook and its packages, which is removed when this process exits.
 * @throws {Unavailable} without git or its history.
 */
export function earlierVersion(): string {
  if (folder !== undefined) return folder;
  const created = mkdtempSync(join(tmpdir(), 'dialhook-earlier-'));
  process.once('exit', () => rmSync(created, { recursive: true, force: true }));
  try {
    const archive = git('archive', earlierCommit());
    mkdirSync(created, { recursive: true });
    execFileSync('tar', ['-x', '-C', created], { input: archive });
  } catch (error) {
    throw new Unavailable(`needs git and the history of this repository (${(error as Error).message})`);
  }
  const lock = (root: string) => readFileSync(join(root, 'package-lock.json'), 'utf8');
  if (lock(created) === lock(ROOT)) symlinkSync(join(ROOT, 'node_modules'), join(created, 'node_modules'));
  else
    execFileSync('npm', ['ci', '--omit=dev', '--no-audit', '--no-fund'], { cwd: created, stdio: 'ignore' });
  folder = created;
  return created;
}
