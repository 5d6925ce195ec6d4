import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dirname, 'values');

/** Realistic values, each in a file of its own below values/. */
export const VALUE_SETS: readonly { readonly name: string; readonly path: string }[] = readdirSync(folder)
  .sort()
  .map((file) => ({ name: file.replace('.yaml', ''), path: join(folder, file) }));
