import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

/** File cycles are refused by Biome's noImportCycles (`npm run lint`); these tests hold the folders. */

const root = join(import.meta.dirname, '../../..');
const IMPORT = /\bfrom '#((?:libs|services)\/[^/']+)/g;

/** `libs/NAME` or `services/NAME`. */
const folderOf = (path: string): string => path.split('/').slice(0, 2).join('/');

/** For each folder the folders that its files import, type imports included. */
function folderImports(): ReadonlyMap<string, ReadonlySet<string>> {
  const imports = new Map<string, Set<string>>();
  for (const file of globSync('{libs,services}/**/*.ts', { cwd: root })) {
    const folder = folderOf(file);
    const targets = imports.get(folder) ?? new Set();
    imports.set(folder, targets);
    for (const [, target = ''] of readFileSync(join(root, file), 'utf8').matchAll(IMPORT))
      if (target !== folder) targets.add(target);
  }
  return imports;
}

const imports = folderImports();

function cycleFrom(folder: string, path: readonly string[] = []): readonly string[] | undefined {
  if (path.includes(folder)) return [...path.slice(path.indexOf(folder)), folder];
  for (const next of imports.get(folder) ?? []) {
    const cycle = cycleFrom(next, [...path, folder]);
    if (cycle) return cycle;
  }
  return undefined;
}

describe('imports between folders', () => {
  it('are found', () => {
    expect(imports.get('services/router')).toContain('libs/bus');
  });

  it('form no cycle', () => {
    expect([...imports.keys()].map((folder) => cycleFrom(folder)).filter(Boolean)).toEqual([]);
  });

  it('never lead from a library or a service to a service', () => {
    const toServices = [...imports].flatMap(([from, targets]) =>
      [...targets].filter((target) => target.startsWith('services/')).map((target) => `${from} -> ${target}`),
    );
    expect(toServices).toEqual([]);
  });

  it('never lead out of libs/contract', () => {
    expect([...(imports.get('libs/contract') ?? [])]).toEqual([]);
  });
});
