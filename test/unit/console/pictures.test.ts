import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pageHash, RECORDED } from '../../../scripts/page-hash.ts';

const docs = join(import.meta.dirname, '../../../docs');

describe('the pictures of the console', () => {
  it('show the current page: run `npm run pictures` after a change to services/console/page', () => {
    expect(readFileSync(RECORDED, 'utf8').trim()).toBe(pageHash());
  });

  it('exist as far as the docs name them', () => {
    const named = [...readFileSync(join(docs, 'console.md'), 'utf8').matchAll(/\]\(([\w-]+\.png)\)/g)];
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter(([, file = '']) => !existsSync(join(docs, file)))).toEqual([]);
  });
});
