import { expect } from 'vitest';
import type { LifeCase } from './case.ts';
import { answers, gw, gw2, refuses, tried, triedLeg } from './harness.ts';

const early = (status: number) => ({ mediaAt: 20, refuse: { at: 200, status } });

export const TRIED: readonly LifeCase[] = [
  {
    name: '2 tried: early media, then 486, then the next target answers',
    async run(life) {
      const decision = { dial: [gw('777'), gw2('778')] };
      const { notice, status } = await life
        .call(decision, { '777': early(486), '778': answers }, { byeAt: 100 })
        .finish();
      expect(status).toBe(200);
      expect(tried(notice)).toEqual([
        ['777', 'USER_BUSY'],
        ['778', 'NONE'],
      ]);
      expect(triedLeg(notice, 0)).toMatchObject({ sip_status: 486, early_media: true, answered: false });
    },
  },
  {
    name: '2 tried: both targets fail after early media',
    async run(life) {
      const decision = { dial: [gw('777'), gw2('778')] };
      const { notice } = await life.call(decision, { '777': early(486), '778': early(480) }).finish();
      expect(tried(notice)).toEqual([
        ['777', 'USER_BUSY'],
        ['778', 'NO_USER_RESPONSE'],
      ]);
    },
  },
  {
    name: '2 tried: the second request of on_fail has the cause of early media that failed',
    async run(life) {
      const call = life.call(
        ({ attempt }) => (attempt === 1 ? { dial: gw('777'), on_fail: 'request' } : { dial: gw2('778') }),
        { '777': early(486), '778': answers },
        { byeAt: 100 },
      );
      await call.finish();
      const [, second] = call.requests();
      expect(second && tried(second)).toEqual([['777', 'USER_BUSY']]);
      expect(second).toMatchObject({ reason: 'failed', attempt: 2 });
      expect(second && triedLeg(second, 0)).toMatchObject({ sip_status: 486, early_media: true });
    },
  },
  ...(
    [
      [404, 'UNALLOCATED_NUMBER'],
      [480, 'NO_USER_RESPONSE'],
      [486, 'USER_BUSY'],
      [503, 'NORMAL_TEMPORARY_FAILURE'],
      [603, 'CALL_REJECTED'],
    ] as const
  ).map(
    ([status, cause]): LifeCase => ({
      name: `2 tried: early media, then ${status}`,
      async run(life) {
        const { notice } = await life.call({ dial: gw('777') }, { '777': early(status) }).finish();
        expect(tried(notice)).toEqual([['777', cause]]);
        expect(triedLeg(notice, 0)).toMatchObject({ sip_status: status });
      },
    }),
  ),
  {
    name: '2 tried: phrase, Reason, ringing and times of each leg',
    async run(life) {
      const steps = [
        { at: 20, status: 180 },
        { at: 400, status: 486, phrase: 'Gone Fishing', headers: [['Reason', 'Q.850;cause=17;text="busy"']] },
      ] as const;
      const { notice } = await life
        .call({ dial: [gw('777'), gw2('778')] }, { '777': { steps }, '778': answers }, { byeAt: 500 })
        .finish();
      expect(triedLeg(notice, 0)).toMatchObject({
        sip_status: 486,
        sip_phrase: 'Gone Fishing',
        rang: true,
        early_media: false,
        answered: false,
      });
      const { ring_ms } = triedLeg(notice, 0);
      expect(ring_ms).toBeGreaterThanOrEqual(380);
      expect(ring_ms).toBeLessThan(2000);
      expect(triedLeg(notice, 1)).toMatchObject({ rang: true, answered: true });
      expect(triedLeg(notice, 1)['talk_ms']).toBeGreaterThanOrEqual(450);
    },
  },
  {
    name: '2 tried: loopback/7888/default is the number 7888',
    async run(life) {
      const decision = { dial: { type: 'dialstring', dialstring: 'loopback/7888/default' } };
      const { notice } = await life.call(decision, { '7888': answers }, { byeAt: 300 }).finish();
      expect(tried(notice).map(([number]) => number)).not.toContain('default');
      expect(tried(notice)[0]?.[0]).toBe('7888');
    },
  },
  ...[600, 603, 604, 606, 607, 608].map(
    (status): LifeCase => ({
      name: `2 final causes: ${status} ends the call though a target is left`,
      async run(life) {
        const decision = { dial: [gw('777'), gw2('778')] };
        const { invites } = await life
          .call(decision, { '777': refuses(status), '778': answers }, { byeAt: 100 })
          .finish();
        expect(invites.map(({ number }) => number)).toEqual(['777']);
      },
    }),
  ),
  {
    name: '2 final causes: 603 after early media ends the call too',
    async run(life) {
      const decision = { dial: [gw('777'), gw2('778')] };
      const { invites } = await life
        .call(decision, { '777': early(603), '778': answers }, { byeAt: 100 })
        .finish();
      expect(invites.map(({ number }) => number)).toEqual(['777']);
    },
  },
  {
    name: '2 final causes: sip:480 of the decision ends the call, and 486 does not',
    async run(life) {
      const decision = { final_causes: ['sip:480'], dial: [gw('777'), gw2('778'), gw('779')] };
      const callees = { '777': refuses(486), '778': refuses(480), '779': answers };
      const { invites } = await life.call(decision, callees, { byeAt: 100 }).finish();
      expect(invites.map(({ number }) => number)).toEqual(['777', '778']);
    },
  },
  {
    name: '2 tried: the caller cancels during early media',
    async run(life) {
      const { notice } = await life
        .call({ dial: gw('777') }, { '777': { mediaAt: 20 } }, { cancelAt: 500 })
        .finish();
      expect(notice).toMatchObject({ cause: 'ORIGINATOR_CANCEL', hangup_by: 'caller', billable_ms: 0 });
      expect(tried(notice)).toEqual([['777', 'ORIGINATOR_CANCEL']]);
      expect(triedLeg(notice, 0)).toMatchObject({ early_media: true, answered: false });
    },
  },
  {
    name: '2 tried: the phone that lost the race has no SIP status of its own',
    async run(life) {
      const decision = { strategy: 'simultaneous', dial: [gw('777'), gw2('778')] };
      const { notice } = await life
        .call(decision, { '777': { ringAt: 20 }, '778': { ringAt: 20, answerAt: 300 } }, { byeAt: 100 })
        .finish();
      const lost = (notice['tried'] as { number: string; cause: string }[]).find(
        ({ number }) => number === '777',
      );
      expect(lost).toMatchObject({ cause: 'LOSE_RACE', rang: true });
      expect(lost).not.toHaveProperty('sip_status');
    },
  },
];
