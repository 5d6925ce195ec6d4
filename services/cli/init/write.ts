import { type Stats, statSync } from 'node:fs';
import { chmod, chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setsNothing } from './env-files.ts';
import type { OutputFile } from './output.ts';

const SECRET = 0o600;
const PUBLIC = 0o644;
const OTHERS = 0o007;

interface Planned {
  readonly path: string;
  readonly text: string;
  readonly secret: boolean;
  /** The file that exists. */
  readonly old: Stats | undefined;
}

async function plan(
  folder: string,
  { name, text, secret }: OutputFile,
  force: boolean,
): Promise<Planned | string> {
  const path = join(folder, name);
  const old = statSync(path, { throwIfNoEntry: false });
  if (old === undefined || force) return { path, text, secret, old };
  const existing = await readFile(path, 'utf8');
  // Files of the Debian packages: keep their comments.
  if (name.endsWith('.env') && setsNothing(existing))
    return { path, text: `${existing.trimEnd()}\n\n${text}`, secret, old };
  return path;
}

/** Replaces the file at once, so that no reader sees a part of it. Owner and group of an existing file stay. */
async function replace({ path, text, secret, old }: Planned): Promise<void> {
  const temporary = `${path}.${process.pid}`;
  try {
    await writeFile(temporary, text, { mode: SECRET, flag: 'wx' });
    if (old !== undefined) await chown(temporary, old.uid, old.gid);
    const kept = old !== undefined && (old.mode & OTHERS) === 0 ? old.mode & 0o777 : SECRET;
    await chmod(temporary, secret ? kept : PUBLIC);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/**
 * Writes all files, or none when one exists that sets something and `force` is not given. Only the owner may read a
 * secret file, and the group of an existing one that others cannot read.
 * @returns the paths
 */
export async function writeFiles(
  folder: string,
  files: readonly OutputFile[],
  force: boolean,
): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true });
  const planned = await Promise.all(files.map((file) => plan(folder, file, force)));
  const existing = planned.filter((one) => typeof one === 'string');
  if (existing.length > 0) throw new Error(`nothing was written: --force overwrites ${existing.join(', ')}`);
  const all = planned.filter((one) => typeof one !== 'string');
  for (const one of all) await replace(one);
  return all.map(({ path }) => path);
}
