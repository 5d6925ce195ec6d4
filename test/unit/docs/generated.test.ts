import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { pages } from '../../../docs/generate.ts';

it.each(Object.entries(pages))('docs/%s is what `npm run docs` writes', (path, text) => {
  expect(readFileSync(join(import.meta.dirname, '../../../docs', path), 'utf8')).toBe(text);
});
