import { describe, expect, it } from 'vitest';
import { Places } from '#libs/net/places.ts';

const places = (more = {}) => new Places<string>({ max: 4, maxPerAddress: 3, bytesPerPlace: 10, ...more });

describe('a place', () => {
  it('is for whoever comes while there is one', () => {
    const some = places();
    expect(['a', 'b', 'c'].map((one) => some.take(one, '::1'))).toEqual([undefined, undefined, undefined]);
    expect(some.size).toBe(3);
  });

  it('is given up by the one that has been unknown for longest', () => {
    const some = places();
    for (const one of ['a', 'b', 'c', 'd']) some.take(one, one);
    some.known('a');
    expect([some.take('e', 'e'), some.take('f', 'f'), some.size]).toEqual(['b', 'c', 4]);
  });

  it('is not given up by who is known', () => {
    const some = places();
    for (const one of ['a', 'b', 'c', 'd']) {
      some.take(one, one);
      some.known(one);
    }
    expect([some.take('e', 'e'), some.size]).toEqual(['e', 4]);
    some.leave('a');
    expect(some.take('e', 'e')).toBeUndefined();
  });

  it('is taken from its own address by one that has its share already', () => {
    const some = places();
    some.take('other', 'B');
    for (const one of ['a', 'b', 'c']) some.take(one, 'A');
    some.known('a');
    expect(some.take('d', 'A')).toBe('b');
    for (const one of ['c', 'd']) some.known(one);
    expect(some.take('e', 'A')).toBe('e');
  });

  it('is lost by the one that has sent most, when all together have sent too much', () => {
    const some = places();
    for (const one of ['a', 'b', 'c']) some.take(one, one);
    some.known('b');
    expect([some.sent('a', 12), some.sent('b', 20), some.sent('c', 8)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect([some.sent('c', 9), some.size]).toEqual(['b', 2]);
    expect(some.sent('b', 1000)).toBeUndefined();
    expect(some.sent('a', 31)).toBeUndefined();
    expect(some.sent('a', 32)).toBe('a');
  });

  it('leaves nothing behind, in whatever order it is left', () => {
    const some = places({ max: 100, maxPerAddress: 2 });
    for (let n = 0; n < 10_000; n++) {
      some.take(`${n}`, `${n % 50}`);
      some.sent(`${n}`, n % 10);
      if (n % 3 === 0) some.known(`${n}`);
      some.leave(`${n}`);
      some.leave(`${n}`);
    }
    expect(some.size).toBe(0);
    for (const one of ['a', 'b']) expect(some.take(one, '1')).toBeUndefined();
    expect(some.sent('a', 1000)).toBeUndefined();
  });
});
