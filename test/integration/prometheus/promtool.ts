import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { CACHE, once, onPath } from '#test/e2e/helm/cache.ts';

const DOWNLOAD_MS = 60_000;

/**
 * Where promtool is: on the PATH, or unpacked once from Debian's package (19 MB, nothing is installed); undefined where
 * neither is to be had.
 */
export function promtoolPath(): string | undefined {
  const given = onPath('promtool');
  if (given !== undefined) return given;
  if (onPath('apt-get') === undefined || onPath('dpkg-deb') === undefined) return undefined;
  const unpacked = join(CACHE, 'prometheus', 'promtool');
  try {
    once(unpacked, () => unpack(unpacked));
    return unpacked;
  } catch (error) {
    console.error(`promtool is left out: ${(error as Error).message}`);
    return undefined;
  }
}

function unpack(to: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'promtool-'));
  try {
    execFileSync('apt-get', ['-qq', 'download', 'prometheus'], {
      cwd: folder,
      stdio: 'pipe',
      timeout: DOWNLOAD_MS,
    });
    const [deb = ''] = readdirSync(folder);
    execFileSync('dpkg-deb', ['-x', deb, '.'], { cwd: folder, stdio: 'pipe' });
    mkdirSync(dirname(to), { recursive: true });
    execFileSync('cp', [join(folder, 'usr', 'bin', 'promtool'), `${to}.new`]);
    renameSync(`${to}.new`, to);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
