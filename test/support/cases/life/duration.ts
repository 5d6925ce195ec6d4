import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { requestsTo } from '#test/support/freeswitch/sip-trace.ts';
import { until } from '#test/support/until.ts';
import type { LifeCase } from './case.ts';
import { answers, gw, gw2, type Notified, refuses, talksFor, tried } from './harness.ts';
import { heardDuring, NO_MEDIA } from './media.ts';

/** FreeSWITCH counts whole seconds of the clock and looks every half second. */
function expectEndAt(notice: Notified, seconds: number): void {
  expect(notice).toMatchObject({ cause: 'ALLOTTED_TIMEOUT', hangup_by: 'freeswitch' });
  expect(notice['billable_ms']).toBeGreaterThan((seconds - 1) * 1000 - 100);
  expect(notice['billable_ms']).toBeLessThan(seconds * 1000 + 5000);
}

export const DURATION: readonly LifeCase[] = [
  {
    name: 'max_duration: the call ends with ALLOTTED_TIMEOUT, and both parties get BYE',
    async run(life) {
      const call = life.call({ max_duration: 2, dial: gw('777') }, { '777': answers });
      const { notice, trace } = await call.finish();
      expectEndAt(notice, 2);
      expect(requestsTo(trace, 'caller')).toContain('BYE');
      expect(requestsTo(trace, 'called')).toContain('BYE');
    },
  },
  {
    name: 'max_duration: it counts from the answer of the target that answers, with ring times and early media',
    async run(life) {
      const decision = {
        max_duration: 2,
        dial: [gw('777', { timeout: 20 }), gw2('778', { timeout: 20, progress_timeout: 10 })],
      };
      const callees = { '777': refuses(486), '778': { mediaAt: 20, answerAt: 1500 } };
      const { notice } = await life.call(decision, callees).finish();
      expect(tried(notice)).toEqual([
        ['777', 'USER_BUSY'],
        ['778', 'NONE'],
      ]);
      expectEndAt(notice, 2);
    },
  },
  {
    name: 'max_duration: it counts from the answer of the called party when the dialplan has answered the caller',
    async run(life) {
      const call = life.call(
        { max_duration: 2, dial: gw('777') },
        { '777': answers },
        { destination: 'menu' },
      );
      expectEndAt((await call.finish()).notice, 2);
    },
  },
  {
    name: 'max_duration: a decision after a transfer by the called party has its own',
    async run(life) {
      const call = life.call(
        ({ reason }) =>
          reason === 'new' ? { max_duration: 2, dial: gw('777') } : { max_duration: 5, dial: gw2('888') },
        { '777': answers, '888': answers },
      );
      const called = await call.callee('777');
      await call.talking;
      called.refer('888');
      const second = await call.callee('888');
      await sleep(3200);
      expect(requestsTo(call.trace, 'caller')).not.toContain('BYE');
      const { notice } = await call.finish();
      await second.ended;
      expect(notice).toMatchObject({ cause: 'ALLOTTED_TIMEOUT' });
      expect(notice['billable_ms']).toBeGreaterThan(3900);
    },
  },
  {
    name: 'max_duration: it does not end the talk of parties that the caller has connected by a blind transfer',
    async run(life) {
      const call = life.call({ max_duration: 2, dial: gw('777') }, { '777': answers, bob: answers });
      const called = await call.callee('777');
      await call.talking;
      call.caller.refer('direct-bob');
      const bob = await call.callee('bob');
      await talksFor(3500, bob);
      called.bye();
      await bob.ended;
      await call.finish();
    },
  },
  {
    name: 'max_duration: it does not end the talk of parties that the caller has connected by an attended transfer',
    async run(life) {
      const decide = ({ destination_number: number }: { destination_number: string }) =>
        number === '888' ? { dial: gw2('888') } : { max_duration: 2, dial: gw('777') };
      const call = life.call(decide, { '777': answers, '888': answers });
      const called = await call.callee('777');
      await call.talking;
      const consultation = life.place({ '888': answers }, { destination: '888' });
      const third = await consultation.callee('888');
      await consultation.talking;
      call.caller.refer('888', consultation.caller);
      await Promise.all([call.caller.ended, consultation.caller.ended]);
      await talksFor(3000, third);
      called.bye();
      await Promise.all([third.ended, call.finish(), consultation.finish()]);
    },
  },
  ...(
    [
      ['caller', { caller: true, called: false }],
      ['called', { caller: false, called: true }],
      ['both', { caller: true, called: true }],
      [undefined, { caller: true, called: false }],
    ] as const
  ).map(
    ([to, hears]): LifeCase => ({
      name: `warn: ${to ?? 'by default the caller'} hears the announcement before the end`,
      onlyFreeSwitch: NO_MEDIA,
      async run(life) {
        const warn = { before: 2, play: 'beep', ...(to === undefined ? {} : { to }) };
        const call = life.call({ max_duration: 3, warn, dial: gw('777') }, { '777': answers });
        const heard = await heardDuring(life, async () => expectEndAt((await call.finish()).notice, 3));
        for (const side of ['caller', 'called'] as const) {
          if (hears[side]) expect([side, heard[side] > 350 && heard[side] < 700]).toEqual([side, true]);
          else expect([side, heard[side]]).toEqual([side, 0]);
        }
      },
    }),
  ),
  {
    name: 'warn: a sound that the operator has not listed, or whose file is missing, leaves the call as it is',
    async run(life) {
      for (const play of ['nowhere', 'lost']) {
        const decision = { max_duration: 3, warn: { before: 2, play }, dial: gw('777') };
        const { notice, result } = await life.call(decision, { '777': answers }).finish();
        expect(result).toBe('decided');
        expectEndAt(notice, 3);
      }
    },
  },
  {
    name: 'max_duration: the caller can hang up before, and nothing is left of the limit',
    async run(life) {
      const call = life.call({ max_duration: 10, dial: gw('777') }, { '777': answers }, { byeAt: 100 });
      const { notice } = await call.finish();
      expect(notice).toMatchObject({ cause: 'NORMAL_CLEARING', hangup_by: 'caller' });
      await until('the called party is free', () => requestsTo(call.trace, 'called').includes('BYE'));
    },
  },
];
