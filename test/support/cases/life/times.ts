import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { leaks } from '#test/support/freeswitch/sip-trace.ts';
import { until } from '#test/support/until.ts';
import type { LifeCase } from './case.ts';
import { answers, CALLER, gw, HIDDEN, refuses, SHOWN } from './harness.ts';

const connections = (events: readonly { readonly 'Event-Name'?: unknown }[]): number =>
  events.filter((event) => event['Event-Name'] === 'CHANNEL_BRIDGE').length;

export const TIMES: readonly LifeCase[] = [
  {
    name: '7 times: a dialplan that answers and plays is not talk time',
    async run(life) {
      const { notice } = await life
        .call({ dial: gw('777') }, { '777': refuses(486) }, { destination: 'menu', byeAt: 15_000 })
        .finish();
      expect(notice).toMatchObject({ billable_ms: 0 });
      expect(notice['duration_ms']).toBeGreaterThanOrEqual(1900);
    },
  },
  {
    name: '7 times: after a dialplan that answered, talk time begins with the answer of the called party',
    async run(life) {
      const callee = { ringAt: 20, answerAt: 1500, hangsUpAt: 3000 };
      const { notice } = await life
        .call({ dial: gw('777') }, { '777': callee }, { destination: 'menu', byeAt: 15_000 })
        .finish();
      expect(notice['billable_ms']).toBeGreaterThanOrEqual(1200);
      expect(notice['billable_ms']).toBeLessThan(2500);
    },
  },
  {
    name: '7 times: early media is not talk time',
    async run(life) {
      const { notice } = await life
        .call({ dial: gw('777') }, { '777': { mediaAt: 20, refuse: { at: 1500, status: 486 } } })
        .finish();
      expect(notice).toMatchObject({ billable_ms: 0, cause: 'USER_BUSY' });
    },
  },
  {
    name: '7 180 with SDP is early media: FreeSWITCH cannot tell it from 183',
    async run(life) {
      const call = life.call(
        { dial: gw('777') },
        { '777': { ringMediaAt: 20, answerAt: 500 } },
        { byeAt: 100 },
      );
      const { notice } = await call.finish();
      const actions = call.notified().map(({ action }) => action);
      expect(actions.toSorted()).toEqual(['answer', 'hangup', 'progress']);
      expect(notice['tried']).toMatchObject([{ early_media: true, answered: true }]);
    },
  },
  {
    name: '7 183 without SDP rings: FreeSWITCH cannot tell it from 180',
    async run(life) {
      const call = life.call(
        { dial: gw('777') },
        { '777': { progressAt: 20, answerAt: 500 } },
        { byeAt: 100 },
      );
      const { notice } = await call.finish();
      expect(
        call
          .notified()
          .map(({ action }) => action)
          .toSorted(),
      ).toEqual(['answer', 'hangup', 'ring']);
      expect(notice['tried']).toMatchObject([{ rang: true, early_media: false }]);
    },
  },
  {
    name: '7 recovery: a call that `sofia recover` brings back ends when it ends',
    alone: true,
    async run(life) {
      const call = life.call(
        { variables: { origination_caller_id_number: SHOWN }, dial: gw(HIDDEN) },
        { [HIDDEN]: answers },
      );
      const called = await call.callee(HIDDEN);
      await call.talking;
      await call.notification('answer');
      await until('the call is tracked', async () =>
        (await life.freeswitch.api('show calls')).includes(call.uuid),
      );
      await sleep(500);
      const started = Date.now();
      await life.freeswitch.kill();
      await life.freeswitch.start();
      await life.freeswitch.api('sofia recover');
      await until('the parties are connected again', () => connections(call.events) === 2);
      expect(call.notified().map(({ action }) => action)).not.toContain('hangup');
      await sleep(2000);
      const talked = Date.now() - started;
      called.bye();
      const { notice, trace } = await call.finish();
      expect(notice).not.toHaveProperty('recovered', true);
      expect(notice).toMatchObject({
        cause: 'NORMAL_CLEARING',
        caller_id_number: CALLER,
        destination_number: SHOWN,
      });
      const { duration_ms, billable_ms } = notice as { duration_ms: number; billable_ms: number };
      expect(duration_ms).toBeGreaterThanOrEqual(billable_ms);
      expect(duration_ms).toBeGreaterThanOrEqual(talked - 1500);
      expect(duration_ms).toBeLessThan(talked + 10_000);
      expect(leaks(trace, 'caller', [HIDDEN])).toEqual([]);
      expect(leaks(trace, 'called', [CALLER])).toEqual([]);
    },
  },
];
