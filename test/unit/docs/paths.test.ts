import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../../..');
const PAGES = globSync(['*.md', 'docs/*.md', 'helm/*/README.md'], { cwd: root });
const NAMED = /`((?:libs|services|test|deploy|docs|helm)\/[\w./*-]+)`/g;
const LINKED = /\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)/g;

const all = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([, one = '']) => one);

test.each(PAGES)('what %s names and links to is there', (page) => {
  const text = readFileSync(join(root, page), 'utf8');
  const named = all(text, NAMED).filter((path) => globSync(path, { cwd: root }).length === 0);
  const linked = all(text, LINKED).filter((path) => !existsSync(join(root, dirname(page), path)));
  expect([...named, ...linked]).toEqual([]);
});

test('there are pages to look at', () => expect(PAGES.length).toBeGreaterThan(10));
