import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, it } from 'vitest';
import { RESULTS } from '#libs/contract/results.ts';

const root = join(import.meta.dirname, '../../..');
const PAGES = globSync(['*.md', 'docs/*.md', 'helm/*/README.md'], { cwd: root });
const PATH = /`((?:libs|services|test|deploy|docs|helm)\/[\w./*-]+)`/g;
const LINK = /\]\((?!https?:)([^)\s]+)\)/g;
const HEADING = /^#+ (.*)$/gm;

const read = (page: string): string => readFileSync(join(root, page), 'utf8');
const all = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([, one = '']) => one);

/** The anchor that GitHub gives a heading. */
const anchor = (heading: string): string =>
  heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-');
const anchorsOf = (page: string): string[] =>
  all(read(page).replaceAll(/```.*?```/gs, ''), HEADING).map(anchor);

function isBroken(page: string, link: string): boolean {
  const [path = '', name] = link.split('#');
  const target = path === '' ? page : normalize(join(dirname(page), path));
  if (!existsSync(join(root, target))) return true;
  return name !== undefined && target.endsWith('.md') && !anchorsOf(target).includes(name);
}

it('finds the pages', () => expect(PAGES.length).toBeGreaterThan(10));

it.each(PAGES)('%s names only paths that exist', (page) => {
  expect(all(read(page), PATH).filter((path) => globSync(path, { cwd: root }).length === 0)).toEqual([]);
});

it.each(PAGES)('%s links only to pages and sections that exist', (page) => {
  expect(all(read(page), LINK).filter((link) => isBroken(page, link))).toEqual([]);
});

it.each(Object.entries(RESULTS))(
  'docs/contract.md describes the result %s as the code does',
  (name, text) => {
    expect(read('docs/contract.md')).toContain(`| \`${name}\` | ${text} |`);
  },
);
