import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pages } from '../docs/generate.ts';
import { files } from '../helm/generate.ts';

/**
 * Writes every generated file: pages, schemas and dashboards of docs/, and the chart's schema, README and copies.
 * With `--check` it writes nothing, lists the files that are out of date and exits with 1 if there are any.
 */
const root = join(import.meta.dirname, '..');
const generated = [
  ...Object.entries(pages).map(([path, text]) => [join('docs', path), text] as const),
  ...Object.entries(files()).map(([path, text]) => [join('helm/dialhook', path), text] as const),
];
const isCurrent = (path: string, text: string): boolean =>
  existsSync(join(root, path)) && readFileSync(join(root, path), 'utf8') === text;
const stale = generated.filter(([path, text]) => !isCurrent(path, text));
const check = process.argv.includes('--check');

for (const [path, text] of stale) {
  if (!check) writeFileSync(join(root, path), text);
  console.log(`${path}: ${check ? 'out of date, run `npm run generate`' : 'written'}`);
}
if (check && stale.length > 0) process.exitCode = 1;
