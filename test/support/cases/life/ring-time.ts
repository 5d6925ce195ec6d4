import { expect } from 'vitest';
import type { LifeCase } from './case.ts';
import { answers, gw, gw2, rings, tried } from './harness.ts';

const MEDIA = { mediaAt: 20 };
/** From the first INVITE to the INVITE of another number, ms. */
function after(trace: readonly { at: number; number: string; side: string }[], number: string): number {
  const called = trace.filter(({ side }) => side === 'called');
  return (called.find((one) => one.number === number)?.at ?? 0) - (called[0]?.at ?? 0);
}

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
      const { trace, status } = await life
        .call(decision, { '777': rings, '778': answers }, { cancelAt: 9000, byeAt: 100 })
        .finish();
      expect(status).toBe(200);
      expect(after(trace, '778')).toBeGreaterThanOrEqual(1000);
    },
  },
];
