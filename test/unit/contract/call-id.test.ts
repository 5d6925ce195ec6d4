import { describe, expect, it } from 'vitest';
import { callIdFrom, callIdOf, isDerivedId } from '#libs/contract/call-id.ts';
import { CallId } from '#libs/contract/text.ts';

const SAFE = [
  '0f5b9b2a-54f4-4cc9-8edf-ad14634e844f',
  'a84b4c76e66710@pc33.atlanta.example',
  'f81d4fae-7dec-11d0-a765-00a0c91e6bf6@10.0.0.1',
  'a'.repeat(128),
];
const UNSAFE = [
  'abc%0Adef@h',
  'a,b;c@h',
  String.raw`a\b\c@h`,
  '呼叫-1@h',
  '-bleg',
  'a b',
  'a\nb',
  '\0',
  "o'neill@h",
  '${uuid}',
  'a/../b',
  'a'.repeat(129),
  'a'.repeat(5000),
];

describe('callIdOf', () => {
  it.each(SAFE)('keeps %s', (uuid) => {
    expect(callIdOf(uuid)).toBe(uuid);
    expect(isDerivedId(uuid)).toBe(false);
  });

  it.each(UNSAFE)('derives an id from %j', (uuid) => {
    const id = callIdOf(uuid);
    expect(CallId.safeParse(id).success).toBe(true);
    expect(isDerivedId(id)).toBe(true);
    expect(callIdOf(uuid)).toBe(id);
  });

  it('derives different ids from different uuids', () => {
    expect(new Set(UNSAFE.map(callIdOf)).size).toBe(UNSAFE.length);
  });

  it('lets no uuid be the derived id of another call', () => {
    const id = callIdOf('a,b;c@h');
    expect(callIdOf(id)).not.toBe(id);
  });

  it('keeps the empty text, which is no leg', () => {
    expect(callIdOf('')).toBe('');
  });

  /** Agents of different versions must agree: a change of this value is a change of the contract. */
  it('derives the same id in every version', () => {
    expect(callIdOf('a,b;c@h')).toBe('251872a7-b6b0-8eed-a8f1-17a5efd480f7');
  });
});

describe('callIdFrom', () => {
  it('takes an id, or a uuid of FreeSWITCH', () => {
    const id = callIdOf('a,b;c@h');
    expect(callIdFrom(id)).toBe(id);
    expect(callIdFrom('a,b;c@h')).toBe(id);
  });
});
