import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../../..');
const read = (name: string) => readFileSync(join(root, name), 'utf8');

type Versions = Readonly<Record<string, string>>;
interface Package {
  readonly dependencies: Versions;
  readonly optionalDependencies: Versions;
  readonly devDependencies: Versions;
  readonly overrides: Versions;
}
interface Locked {
  readonly version: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
}

const { dependencies, optionalDependencies, devDependencies, overrides } = JSON.parse(
  read('package.json'),
) as Package;
const named = { ...dependencies, ...optionalDependencies, ...devDependencies };
const text = read('package-lock.json');
const { packages } = JSON.parse(text) as { packages: Readonly<Record<string, Locked>> };
const locked = Object.entries(packages).filter(([path]) => path !== '');

const KNOWN_INSTALL_SCRIPTS = ['msgpackr-extract', 'protobufjs'];

it.each(Object.entries({ ...named, ...overrides }))('%s %s is pinned exactly', (_, version) =>
  expect(version).toMatch(/^\d+\.\d+\.\d+(?:-[\w.]+)?$/),
);

it.each(Object.keys(named))('docs/dependencies.md gives a reason for %s', (name) => {
  const row = read('docs/dependencies.md')
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .find(([, first]) => first === `\`${name}\``);
  expect(row?.[2]?.length ?? 0).toBeGreaterThan(10);
});

it('the lock file holds hashes and no download address', () => {
  expect(locked.length).toBeGreaterThan(100);
  expect(locked.filter(([, one]) => one.resolved !== undefined).map(([path]) => path)).toEqual([]);
  expect(locked.filter(([, one]) => !one.link && !/^sha512-/.test(one.integrity ?? ''))).toEqual([]);
  expect(text).not.toMatch(
    /https?:\/\/(?!(?:www\.)?(?:opencollective|github|paypal|tidelift|patreon))[^"]*\.tgz/,
  );
});

it('the lock file has the versions of package.json', () => {
  for (const [name, version] of Object.entries(named))
    expect(packages[`node_modules/${name}`]?.version, name).toBe(version);
});

it('no package outside the known ones has an install script', () => {
  const withScript = locked.filter(([, one]) => one.hasInstallScript).map(([path]) => path);
  const names = withScript.map((path) => path.slice(path.lastIndexOf('node_modules/') + 13));
  expect([...new Set(names)].toSorted()).toEqual(KNOWN_INSTALL_SCRIPTS);
});
