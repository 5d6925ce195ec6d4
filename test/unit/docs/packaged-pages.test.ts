import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, it } from 'vitest';
import { debianPackages } from '#deploy/debian/packages.ts';

const root = join(import.meta.dirname, '../../..');
const PAGES = debianPackages({ dialhook: '1.0.0', node: '24.0.0' })
  .flatMap(({ copied }) => Object.values(copied))
  .filter((source) => /^docs\/[\w-]+\.md$/.test(source));

/** The pages beside a page that it links to. */
const linked = (page: string): string[] =>
  [...readFileSync(join(root, page), 'utf8').matchAll(/\]\(([\w-]+\.md)(?:#[^)]*)?\)/g)].map(
    ([, name = '']) => name,
  );

it('finds the packaged pages', () => expect(PAGES.length).toBeGreaterThan(10));

it.each(PAGES)('%s links only to pages that are packaged too', (page) => {
  const names = PAGES.map((path) => basename(path));
  expect(linked(page).filter((name) => !names.includes(name))).toEqual([]);
});
