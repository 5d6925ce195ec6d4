import { existsSync, rmSync } from 'node:fs';
import { beforeAll, expect, it } from 'vitest';
import { PROPERTIES } from './properties.ts';
import { CANARY, runProperty } from './property.ts';

/** Ten thousand cases with a new seed in every run; FUZZ_SEED repeats one. `npm run fuzz` is the long form. */
const CASES = Math.ceil(10_000 / PROPERTIES.length);
const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31);

beforeAll(() => rmSync(CANARY, { force: true }));

it.each(PROPERTIES)('$name: $what', (property) => {
  const { finding, cases } = runProperty(property, CASES, SEED);
  expect(finding).toBeUndefined();
  expect(cases).toBe(CASES);
  expect(existsSync(CANARY)).toBe(false);
});
