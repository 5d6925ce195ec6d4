import { describe, expect, it } from 'vitest';
import { HedgeDelay } from '#libs/bus/hedge-delay.ts';
import { TransitTime } from '#libs/bus/transit-time.ts';

describe('the hedge delay', () => {
  it('is off before the first acceptance, and with 0', () => {
    const off = new HedgeDelay(0);
    off.observe(5);
    expect([off.ms, new HedgeDelay(100).ms]).toEqual([undefined, undefined]);
  });

  it('grows while all routers are slow, not with a single slow one, and shrinks quickly', () => {
    const delay = new HedgeDelay(100);
    for (const ms of [2, 3, 2]) delay.observe(ms);
    delay.observe(200);
    expect(delay.ms).toBe(100);
    for (let n = 0; n < 30; n++) delay.observe(120);
    expect(delay.ms).toBeGreaterThan(300);
    for (let n = 0; n < 30; n++) delay.observe(2_000);
    expect(delay.ms).toBe(500);
    for (let n = 0; n < 8; n++) delay.observe(2);
    expect(delay.ms).toBe(100);
  });

  it('is not kept long by a slow first acceptance', () => {
    const delay = new HedgeDelay(100);
    for (const ms of [400, 3, 3, 3, 3]) delay.observe(ms);
    expect(delay.ms).toBe(100);
  });
});

describe('the transit time', () => {
  it('is compared with the fastest message of the sender, whatever the clocks', () => {
    const transit = new TransitTime();
    expect(transit.delayMs('a', 5_000_000, 100)).toBe(0);
    expect(transit.delayMs('a', 5_000_010, 115)).toBe(5);
    expect(transit.delayMs('a', 5_000_020, 4_120)).toBe(4_000);
    expect(transit.delayMs('b', 7, 4_200)).toBe(0);
  });

  it('follows clocks that drift apart', () => {
    const transit = new TransitTime();
    const worst = Array.from({ length: 5_000 }, (_, n) => {
      const now = n * 1_000;
      return transit.delayMs('a', now * (1 - 50e-6), now);
    });
    expect(Math.max(...worst)).toBeLessThan(10);
  });

  it('does not take a first message that was delayed as the measure for long', () => {
    const transit = new TransitTime();
    transit.delayMs('a', 0, 3_000);
    expect(transit.delayMs('a', 3_000, 3_001)).toBe(0);
    expect(transit.delayMs('a', 3_010, 5_011)).toBe(2_000);
  });
});
