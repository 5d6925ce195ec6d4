import { existsSync, rmSync } from 'node:fs';
import { beforeAll, expect, it } from 'vitest';
import { CANARY, PROPERTIES, runProperty } from './properties.ts';

/** Ten thousand cases in all, others each time; `npm run fuzz` is the long form. */
const CASES = 10_000 / PROPERTIES.length;
const SEED = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31);

beforeAll(() => rmSync(CANARY, { force: true }));

it.each(PROPERTIES)('$name: $what', (property) => {
  const { find, cases } = runProperty(property, CASES, SEED);
  expect(find).toBeUndefined();
  expect(cases).toBe(CASES);
  expect(existsSync(CANARY)).toBe(false);
});
