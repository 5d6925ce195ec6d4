import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { values } from '../../../helm/generate.ts';
import { nodeSchema, type Schema, schema } from '../../../helm/schema.ts';
import { CHART, HELMS, KUBERNETES } from './helm.ts';
import { ROOT } from './image.ts';
import { VALUE_SETS } from './value-sets.ts';

describe('the chart', () => {
  describe.each(HELMS)('$name', ({ run }) => {
    it.each([{ name: 'the defaults', path: join(CHART, 'values.yaml') }, ...VALUE_SETS])(
      'passes helm lint --strict with $name',
      async ({ path }) => {
        const said = await run('lint', '--strict', '--kube-version', KUBERNETES, CHART, '-f', path);
        expect(said).toContain('0 chart(s) failed');
      },
    );
  });

  it.each(['dialhook', 'dialhook-stack'])('has the version and license of the package: %s', (name) => {
    const { version, license } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    const chart = parse(readFileSync(join(ROOT, 'helm', name, 'Chart.yaml'), 'utf8'));
    expect(chart.appVersion).toBe(version);
    expect(chart.annotations['artifacthub.io/license']).toBe(license);
  });
});

/** Every object of a schema that has properties, by its path. */
function objectsOf(found: Schema, path = ''): [string, Schema][] {
  const below = Object.entries(found.properties ?? {}).flatMap(([name, inner]) =>
    objectsOf(inner, `${path}.${name}`),
  );
  const items = found.items === undefined ? [] : objectsOf(found.items, `${path}[]`);
  return [...(found.properties === undefined ? [] : [[path, found] as [string, Schema]]), ...below, ...items];
}

describe('the schema of the values', () => {
  it('refuses unknown values everywhere', () => {
    const open = objectsOf(schema).filter(([, { additionalProperties }]) => additionalProperties !== false);
    expect(open.map(([path]) => path)).toEqual([]);
  });

  it('knows no value that values.yaml does not have', () => {
    const listed = new Set(values().map(({ path }) => `.${path.join('.')}`));
    const known = objectsOf(schema)
      .filter(([path]) => !path.includes('[]') && !/\.(settings|resources)$/.test(path))
      .flatMap(([path, { properties }]) => Object.keys(properties ?? {}).map((name) => `${path}.${name}`))
      .filter((path) => path !== '.global');
    const holders = known.filter((path) => [...listed].some((one) => one.startsWith(`${path}.`)));
    expect(known.filter((path) => !listed.has(path) && !holders.includes(path))).toEqual([]);
  });

  it('has words for every value', () => {
    const wordless = values().filter(
      ({ path, comment }) => comment === '' && !path.includes('securityContext'),
    );
    expect(wordless.map(({ path }) => path.join('.'))).toEqual([]);
    for (const [name, property] of Object.entries(nodeSchema.properties ?? {}))
      expect(property.description, name).toBeTruthy();
  });
});
