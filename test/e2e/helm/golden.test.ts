import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PARTITIONS } from '#libs/contract/partition.ts';
import { HELMS, notes, renderText, renderWith } from './helm.ts';
import { byKind, parseManifests } from './manifests.ts';
import { VALUE_SETS } from './value-sets.ts';

/**
 * What each set of values becomes, under review in golden/. After a change that is meant:
 *
 *   UPDATE_GOLDEN=1 npm test -- test/e2e/helm/golden.test.ts
 */
const [, ...others] = HELMS;
const golden = (name: string): string => join(import.meta.dirname, 'golden', name);

function compare(name: string, text: string): void {
  if (process.env['UPDATE_GOLDEN']) writeFileSync(golden(name), text);
  expect(text).toBe(readFileSync(golden(name), 'utf8'));
}

describe.each(VALUE_SETS)('$name', ({ name, path }) => {
  it('renders as it did', async () => {
    compare(`${name}.yaml`, await renderText('-f', path));
  });

  it.each(others)('renders the same objects with $name', async ({ run }) => {
    const expected = parseManifests(readFileSync(golden(`${name}.yaml`), 'utf8'));
    expect(parseManifests(await renderWith(run, '-f', path))).toEqual(expected);
  });

  it('prints the lines for the dialplan', async () => {
    compare(`${name}.txt`, await notes('-f', path));
  });
});

it('makes for three FreeSWITCH nodes', async () => {
  const { path } = VALUE_SETS.find(({ name }) => name === 'three-nodes-load-balancer') ?? { path: '' };
  expect(byKind(parseManifests(await renderText('-f', path)))).toEqual({
    Deployment: 5,
    NetworkPolicy: 6,
    Pod: 1,
    PodDisruptionBudget: 5,
    Service: 3,
    ServiceAccount: 1,
  });
});

it('scales notifiers by the lag of every partition', async () => {
  const { path } = VALUE_SETS.find(({ name }) => name === 'autoscaled') ?? { path: '' };
  const consumers = [...(await renderText('-f', path)).matchAll(/consumer: (notifier-\d+)$/gm)];
  expect(consumers.map(([, name]) => name)).toEqual(
    Array.from({ length: PARTITIONS }, (_, partition) => `notifier-${partition}`),
  );
});
