import { expect } from 'vitest';
import type { LifeCase } from './case.ts';
import { answers, gw, gw2, type Notified, refuses, rings, tried } from './harness.ts';

const MEDIA = { mediaAt: 20 };
/** From the first INVITE to the INVITE of another number, ms. */
function after(trace: readonly { at: number; number: string; side: string }[], number: string): number {
  const called = trace.filter(({ side }) => side === 'called');
  return (called.find((one) => one.number === number)?.at ?? 0) - (called[0]?.at ?? 0);
}

const ringTimeOf = (notice: Notified, number: string) =>
  (notice['tried'] as readonly Notified[]).find((leg) => leg['number'] === number)?.['ring_ms'];

export const RING_TIME: readonly LifeCase[] = [
  {
    name: '3 ring time: originate_timeout holds through early media',
    async run(life) {
      const decision = { variables: { originate_timeout: 3 }, dial: [gw('777'), gw2('778')] };
      const call = life.call(decision, { '777': MEDIA, '778': answers }, { cancelAt: 9000, byeAt: 100 });
      const { notice, trace } = await call.finish();
      expect(tried(notice)).toEqual([
        ['777', 'NO_ANSWER'],
        ['778', 'NONE'],
      ]);
      expect(after(trace, '778')).toBeGreaterThanOrEqual(2900);
      expect(after(trace, '778')).toBeLessThan(6000);
    },
  },
  {
    name: '3 ring time: timeout of each target, with and without early media',
    async run(life) {
      const decision = { dial: [gw('777', { timeout: 2 }), gw2('778', { timeout: 1 }), gw('779')] };
      const callees = { '777': MEDIA, '778': rings, '779': answers };
      const { notice, trace } = await life.call(decision, callees, { cancelAt: 12_000, byeAt: 100 }).finish();
      expect(tried(notice)).toEqual([
        ['777', 'NO_ANSWER'],
        ['778', 'NO_ANSWER'],
        ['779', 'NONE'],
      ]);
      expect(after(trace, '778')).toBeGreaterThanOrEqual(1900);
      expect(after(trace, '779') - after(trace, '778')).toBeGreaterThanOrEqual(900);
    },
  },
  {
    name: '3 ring time: timeout does not end a call that was answered',
    async run(life) {
      const decision = { dial: gw('777', { timeout: 1 }) };
      const { status, notice } = await life
        .call(decision, { '777': { mediaAt: 20, answerAt: 300 } }, { byeAt: 3000 })
        .finish();
      expect(status).toBe(200);
      expect(notice).toMatchObject({ cause: 'NORMAL_CLEARING', hangup_by: 'caller' });
    },
  },
  {
    name: '3 ring time: delay lets the second phone ring later',
    async run(life) {
      const decision = { strategy: 'simultaneous', dial: [gw('777'), gw2('778', { delay: 2 })] };
      const { trace, status, notice } = await life
        .call(decision, { '777': rings, '778': answers }, { cancelAt: 9000, byeAt: 100 })
        .finish();
      expect(status).toBe(200);
      expect(after(trace, '778')).toBeGreaterThanOrEqual(1000);
      expect(ringTimeOf(notice, '778')).toBeLessThan(900);
    },
  },
  {
    name: '3 ring time: that of a delayed phone does not include its delay when the other phone is busy',
    async run(life) {
      const decision = { strategy: 'simultaneous', dial: [gw('777'), gw2('778', { delay: 20 })] };
      const callees = { '777': refuses(486, 1500), '778': { ringAt: 20, answerAt: 500 } };
      const { trace, status, notice } = await life
        .call(decision, callees, { cancelAt: 12_000, byeAt: 100 })
        .finish();
      expect(status).toBe(200);
      expect(after(trace, '778')).toBeLessThan(5000);
      expect(ringTimeOf(notice, '778')).toBeGreaterThanOrEqual(400);
      expect(ringTimeOf(notice, '778')).toBeLessThan(1400);
    },
  },
  {
    name: '3 ring time: a delayed phone that was never dialled has none',
    async run(life) {
      const decision = { strategy: 'simultaneous', dial: [gw('777'), gw2('778', { delay: 20 })] };
      const callees = { '777': { ringAt: 20, answerAt: 1500 }, '778': answers };
      const { invites, notice } = await life.call(decision, callees, { byeAt: 100 }).finish();
      expect(invites.map(({ number }) => number)).toEqual(['777']);
      expect(ringTimeOf(notice, '778')).toBe(0);
    },
  },
];
