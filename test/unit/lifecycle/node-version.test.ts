import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { nodeRefusal } from '#libs/lifecycle/node-version.ts';

const root = join(import.meta.dirname, '../../..');

it.each(['24.22.1', '24.22.3', '24.100.0', '26.12.1', '26.13.0', '27.0.0', '28.1.0'])(
  'accepts Node %s',
  (version) => expect(nodeRefusal(version)).toBeUndefined(),
);

it.each([
  ['24.22.0', '24.22.1'],
  ['24.9.5', '24.22.1'],
  ['26.12.0', '26.12.1'],
  ['26.2.9', '26.12.1'],
])('refuses Node %s for its vulnerabilities and names %s', (version, fixed) =>
  expect(nodeRefusal(version)).toMatch(
    new RegExp(`^requires Node ${fixed} or newer: ${version} has .*CVE-.*, fixed on 2026-10-21; docs/`),
  ),
);

it.each(['18.20.8', '20.20.2', '22.23.4', '25.9.0'])(
  'refuses Node %s, whose line is not supported',
  (version) =>
    expect(nodeRefusal(version)).toMatch(/^requires Node 24\.22\.1 or newer of line 24 or 26, this is/),
);

it('accepts the Node that npm installs', () => {
  const { optionalDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const wanted = readFileSync(join(root, '.node-version'), 'utf8').trim();
  expect(Object.values(optionalDependencies)).toEqual([wanted, wanted]);
  expect(nodeRefusal(wanted)).toBeUndefined();
});

it('the page that the refusal names has the section', () =>
  expect(readFileSync(join(root, 'docs/dependencies.md'), 'utf8')).toMatch(/^## Node$/m));
