import { expect, it } from 'vitest';
import { ControlRequest } from '#libs/contract/control.ts';

const TRANSFER = {
  v: 1,
  do: 'transfer',
  uuid: 'b1cd59aa-0085-4be2-a1d4-0e11a3fff3bd',
  by: 'x',
  destination: '100',
};
const takes = (changed: object) => ControlRequest.safeParse({ ...TRANSFER, ...changed }).success;

it.each(['100', '*97', '#1', '+4930123', 'sales.de', 'a-b', '0-both'])(
  '%s is a valid destination',
  (destination) => expect(takes({ destination })).toBe(true),
);

it.each([
  ['an option', '-both'],
  ['an option', '-bleg'],
  ['a second word', '100 XML'],
  ['an application', 'hangup:x'],
  ['a line end', '100\n'],
  ['NUL', '100\0'],
  ['an expansion', '${system(x)}'],
  ['a look-alike', '１００'],
  ['percent encoding', '%31'],
  ['too long', '1'.repeat(65)],
  ['empty', ''],
])('%s is not a valid destination', (_, destination) => expect(takes({ destination })).toBe(false));

it.each(['default XML', "default'", '-x', 'x\n', ''])('%j is not a valid context', (context) =>
  expect(takes({ context })).toBe(false),
);

it.each(['', '-x', 'b1cd59aa-0085-4be2-a1d4-0e11a3fff3bd all', 'a,b', 'x'.repeat(129)])(
  '%j is not the id of a call',
  (uuid) => expect(takes({ uuid })).toBe(false),
);
