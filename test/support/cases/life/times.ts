import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { leaks } from '#test/support/freeswitch/sip-trace.ts';
import { until } from '#test/support/until.ts';
import type { LifeCase } from './case.ts';
import { answers, CALLER, gw, gw2, HIDDEN, type Notified, refuses, SHOWN, stopwatch } from './harness.ts';

const connections = (events: readonly { readonly 'Event-Name'?: unknown }[]): number =>
  events.filter((event) => event['Event-Name'] === 'CHANNEL_BRIDGE').length;

const RINGS_AFTER_MS = 700;

/** FreeSWITCH's clock has steps of 20 ms. */
const expectRing = (notice: Notified) => {
  expect(notice['ring_ms']).toBeGreaterThanOrEqual(RINGS_AFTER_MS - 50);
  expect(notice['ring_ms']).toBeLessThan(Number(notice['duration_ms']));
};

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
      const call = life.call({ dial: gw('777') }, { '777': answers }, { destination: 'menu', byeAt: 15_000 });
      const called = await call.callee('777');
      const sinceInvite = stopwatch();
      await call.notification('answer');
      await sleep(1200);
      called.bye();
      const { notice } = await call.finish();
      expect(notice['billable_ms']).toBeGreaterThanOrEqual(1200);
      // The menu plays for two seconds.
      expect(notice['billable_ms']).toBeLessThan(sinceInvite() + 1000);
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
    name: '7 times: ring_ms ends at the 180 of the called party, not at the ringback of FreeSWITCH',
    async run(life) {
      const decision = { ringback: 'melody', dial: gw('777') };
      const callees = { '777': { ringAt: RINGS_AFTER_MS, answerAt: RINGS_AFTER_MS + 100 } };
      const { notice } = await life.call(decision, callees, { byeAt: 100 }).finish();
      expectRing(notice);
    },
  },
  {
    name: '7 times: ring_ms is that of the first target that rings, after one that is busy',
    async run(life) {
      const decision = { dial: [gw('777'), gw2('778')] };
      const callees = {
        '777': refuses(486, RINGS_AFTER_MS),
        '778': { mediaAt: 20, answerAt: 100 },
      };
      const { notice } = await life.call(decision, callees, { byeAt: 100 }).finish();
      expect(notice['tried']).toMatchObject([{ rang: false, early_media: false }, { early_media: true }]);
      expectRing(notice);
    },
  },
  {
    name: '7 times: ring_ms of a hangup with a sound is 0',
    async run(life) {
      const decision = { dial: { type: 'hangup', cause: 17, play: 'beep' } };
      const { notice, statuses } = await life.call(decision, {}).finish();
      expect(statuses).toContain(183);
      expect(notice).toMatchObject({ cause: 'USER_BUSY', ring_ms: 0, tried: [] });
    },
  },
  {
    name: '7 times: ring_ms of the call of a party that the caller transferred',
    async run(life) {
      const call = life.call(
        ({ destination_number: number }) => ({ dial: gw(number === SHOWN ? '777' : number) }),
        {
          '777': answers,
          '888': { ringAt: RINGS_AFTER_MS, answerAt: RINGS_AFTER_MS + 100 },
        },
      );
      const called = await call.callee('777');
      await call.talking;
      call.caller.refer('888');
      const ofSecond = (action: string) =>
        life.cluster.delivered
          .map(({ notification }) => notification)
          .find((one) => one.uuid !== call.uuid && one.action === action);
      await until('the new call is answered', () => ofSecond('answer') !== undefined);
      called.bye();
      await until('the new call ends', () => ofSecond('hangup') !== undefined);
      const notice = { ...ofSecond('hangup') };
      expect(notice).toMatchObject({ tried: [{ number: '888', rang: true }] });
      expectRing(notice);
      await call.finish();
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
