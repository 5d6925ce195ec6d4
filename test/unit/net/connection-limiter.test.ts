import { describe, expect, it } from 'vitest';
import { ConnectionLimiter } from '#libs/net/connection-limiter.ts';

const limiterWith = (more = {}) =>
  new ConnectionLimiter<string>({ max: 4, maxPerAddress: 3, bytesPerConnection: 10, ...more });

describe('the connection limiter', () => {
  it('admits connections below the limit', () => {
    const limiter = limiterWith();
    expect(['a', 'b', 'c'].map((one) => limiter.admit(one, '::1'))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(limiter.size).toBe(3);
  });

  it('evicts the oldest unidentified connection at the limit', () => {
    const limiter = limiterWith();
    for (const one of ['a', 'b', 'c', 'd']) limiter.admit(one, one);
    limiter.identify('a');
    expect([limiter.admit('e', 'e'), limiter.admit('f', 'f'), limiter.size]).toEqual(['b', 'c', 4]);
  });

  it('refuses a new connection when all others are identified', () => {
    const limiter = limiterWith();
    for (const one of ['a', 'b', 'c', 'd']) {
      limiter.admit(one, one);
      limiter.identify(one);
    }
    expect([limiter.admit('e', 'e'), limiter.size]).toEqual(['e', 4]);
    limiter.release('a');
    expect(limiter.admit('e', 'e')).toBeUndefined();
  });

  it('evicts a connection of the same address when that address is at its limit', () => {
    const limiter = limiterWith();
    limiter.admit('other', 'B');
    for (const one of ['a', 'b', 'c']) limiter.admit(one, 'A');
    limiter.identify('a');
    expect(limiter.admit('d', 'A')).toBe('b');
    for (const one of ['c', 'd']) limiter.identify(one);
    expect(limiter.admit('e', 'A')).toBe('e');
  });

  it('evicts the connection that sent most when all together sent too much', () => {
    const limiter = limiterWith();
    for (const one of ['a', 'b', 'c']) limiter.admit(one, one);
    limiter.identify('b');
    expect([limiter.recordBytes('a', 12), limiter.recordBytes('b', 20), limiter.recordBytes('c', 8)]).toEqual(
      [undefined, undefined, undefined],
    );
    expect([limiter.recordBytes('c', 9), limiter.size]).toEqual(['b', 2]);
    expect(limiter.recordBytes('b', 1000)).toBeUndefined();
    expect(limiter.recordBytes('a', 31)).toBeUndefined();
    expect(limiter.recordBytes('a', 32)).toBe('a');
  });

  it('keeps no counts of released connections', () => {
    const limiter = limiterWith({ max: 100, maxPerAddress: 2 });
    for (let n = 0; n < 10_000; n++) {
      limiter.admit(`${n}`, `${n % 50}`);
      limiter.recordBytes(`${n}`, n % 10);
      if (n % 3 === 0) limiter.identify(`${n}`);
      limiter.release(`${n}`);
      limiter.release(`${n}`);
    }
    expect(limiter.size).toBe(0);
    for (const one of ['a', 'b']) expect(limiter.admit(one, '1')).toBeUndefined();
    expect(limiter.recordBytes('a', 1000)).toBeUndefined();
  });
});
