import { expect, it } from 'vitest';
import { isOlder } from '#libs/version/version.ts';

it.each([
  ['2.9.10', true],
  ['2.9.25', true],
  ['1.4.1', true],
  ['2.10.0', false],
  ['2.10.0-beta.3', false],
  ['v2.11.9', false],
  ['3.0.0', false],
  ['', false],
  ['devel', false],
])('version %j is older than 2.10: %s', (version, older) => expect(isOlder(version, '2.10')).toBe(older));

it.each([
  ['24.21.0', true],
  ['24.22', true],
  ['24.22.1', false],
  ['24.22.10', false],
  ['26.0.0', false],
])('version %j is older than 24.22.1: %s', (version, older) =>
  expect(isOlder(version, '24.22.1')).toBe(older),
);
