import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const PAGE = join(import.meta.dirname, '../services/console/page');

/** Where the hash of the page that the pictures of `docs` show is recorded. */
export const RECORDED = join(import.meta.dirname, '../docs/console-pictures.sha256');

/** Hash of all files of the console's page. */
export function pageHash(): string {
  const hash = createHash('sha256');
  for (const file of globSync('**/*', { cwd: PAGE, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort())
    hash.update(file.slice(PAGE.length)).update('\0').update(readFileSync(file)).update('\0');
  return hash.digest('hex');
}
