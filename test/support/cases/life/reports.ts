import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { headersTo, requestsTo } from '#test/support/freeswitch/sip-trace.ts';
import { until } from '#test/support/until.ts';
import type { LifeCase } from './case.ts';
import { answers, gw, gw2, type LifeCall, SHOWN, tried } from './harness.ts';

const count = (call: LifeCall, action: string): number =>
  call.notified().filter((notification) => notification['action'] === action).length;

/** Stories of public reports; each names the report that it comes from. */
export const REPORTS: readonly LifeCase[] = [
  {
    name: 'report signalwire/freeswitch#2596: 183 with SDP, then 180, then the answer',
    async run(life) {
      const call = life.call(
        { dial: gw('777') },
        { '777': { mediaAt: 20, ringAt: 300, answerAt: 700 } },
        { byeAt: 100 },
      );
      const { notice } = await call.finish();
      expect([count(call, 'progress'), count(call, 'answer'), count(call, 'hangup')]).toEqual([1, 1, 1]);
      expect(notice['tried']).toMatchObject([{ early_media: true, answered: true }]);
    },
  },
  {
    name: 'report signalwire/freeswitch#2970: the called party answers while the caller cancels',
    alone: true,
    async run(life) {
      const call = life.call({ dial: gw('777') }, { '777': { mediaAt: 20, answersCancel: true } });
      await until('early media', () => call.caller.statuses.includes(183));
      call.caller.cancel();
      const { notice } = await call.finish();
      expect(notice).toMatchObject({ cause: 'ORIGINATOR_CANCEL', hangup_by: 'caller', billable_ms: 0 });
      expect([count(call, 'answer'), count(call, 'hangup')]).toEqual([0, 1]);
      expect(requestsTo(call.trace, 'called').at(-1)).toBe('BYE');
      await until('no channel is left', async () =>
        (await life.freeswitch.api('show channels')).includes('0 total'),
      );
    },
  },
  {
    name: 'report 2600hz/kazoo#4951: early media of one phone does not stop the others that ring at once',
    async run(life) {
      const decision = {
        strategy: 'simultaneous',
        dial: [gw('777', { timeout: 3 }), gw2('778', { timeout: 5 })],
      };
      const callees = { '777': { mediaAt: 20 }, '778': { ringAt: 20, answerAt: 1500 } };
      const { status, notice } = await life
        .call(decision, callees, { byeAt: 100, cancelAt: 10_000 })
        .finish();
      expect(status).toBe(200);
      expect(tried(notice)).toContainEqual(['778', 'NONE']);
    },
  },
  {
    name: 'report fusionpbx/fusionpbx#4820: an endpoint can send Diversion to the called party',
    async run(life) {
      const decision = {
        variables: { sip_h_Diversion: '<sip:95588@127.0.0.1>;reason=unconditional' },
        dial: gw('777'),
      };
      const { trace, result, error } = await life.call(decision, { '777': answers }, { byeAt: 100 }).finish();
      expect([result, error]).toEqual(['decided', undefined]);
      expect(headersTo(trace, 'called', 'Diversion')[0]).toContain('95588');
    },
  },
  {
    name: 'report jambonz/jambonz-feature-server#954: REFER without Referred-By',
    async run(life) {
      const call = life.call(({ destination_number: n }) => ({ dial: n === SHOWN ? gw('777') : gw2(n) }), {
        '777': answers,
        '888': answers,
      });
      const called = await call.callee('777');
      await call.talking;
      called.referTo('<sip:888@127.0.0.1>');
      await call.callee('888');
      await sleep(200);
      call.caller.bye();
      await call.finish();
      expect(call.requests()).toMatchObject([
        { reason: 'new' },
        { reason: 'transfer', transferred_by: 'callee' },
      ]);
    },
  },
  {
    name: 'report siphon-project/siphon-sip#220: the transferor hangs up right after its REFER',
    async run(life) {
      const call = life.call(({ destination_number: n }) => ({ dial: n === SHOWN ? gw('777') : gw2(n) }), {
        '777': answers,
        '888': { ringAt: 20, answerAt: 800 },
      });
      const called = await call.callee('777');
      await call.talking;
      called.refer('888');
      called.bye();
      await call.callee('888');
      await sleep(500);
      call.caller.bye();
      const { invites } = await call.finish();
      expect(invites.map(({ number }) => number)).toEqual(['777', '888']);
      expect(count(call, 'hangup')).toBe(1);
    },
  },
  {
    name: 'report signalwire/freeswitch#592: Refer-To without a user leaves the call as it is',
    async run(life) {
      const call = life.call({ dial: gw('777') }, { '777': answers });
      const called = await call.callee('777');
      await call.talking;
      called.referTo('<sip:127.0.0.1>');
      await sleep(1000);
      expect(call.notified().map(({ action }) => action)).not.toContain('hangup');
      call.caller.bye();
      const { notice } = await call.finish();
      expect(notice).toMatchObject({ hangup_by: 'caller', destination_number: SHOWN });
      expect(call.requests()).toHaveLength(1);
    },
  },
  {
    name: 'report baresip/baresip#3763: REFER that replaces the dialog of the other party itself',
    async run(life) {
      const call = life.call({ dial: gw('777') }, { '777': answers });
      const called = await call.callee('777');
      await call.talking;
      called.refer(SHOWN, call.caller);
      await sleep(1000);
      called.bye();
      call.caller.bye();
      await call.finish();
      await sleep(500);
      expect(count(call, 'hangup')).toBe(1);
    },
  },
  {
    name: 'report signalwire/freeswitch#123: a re-INVITE of the called party right behind its answer',
    async run(life) {
      const call = life.call({ dial: gw('777') }, { '777': answers });
      const called = await call.callee('777');
      called.reinvite();
      await call.talking;
      await sleep(1000);
      call.caller.bye();
      const { notice } = await call.finish();
      expect([count(call, 'answer'), count(call, 'hangup')]).toEqual([1, 1]);
      expect(notice['billable_ms']).toBeGreaterThanOrEqual(900);
    },
  },
  {
    name: 'report pjsip/pjproject#2535: a forking proxy sends provisional responses of several phones',
    async run(life) {
      const steps = [
        { at: 20, status: 180, tag: 'desk' },
        { at: 200, status: 183, sdp: true, tag: 'voicemail' },
        { at: 500, status: 200, tag: 'mobile' },
      ];
      const call = life.call({ dial: gw('777') }, { '777': { steps } }, { byeAt: 500 });
      const { notice, status } = await call.finish();
      expect(status).toBe(200);
      expect([count(call, 'ring'), count(call, 'answer'), count(call, 'hangup')]).toEqual([1, 1, 1]);
      expect(tried(notice)).toEqual([['777', 'NONE']]);
    },
  },
  {
    name: 'report fusionpbx/fusionpbx#2764: an attended transfer while the new party still rings',
    async run(life) {
      const call = life.call(({ destination_number: n }) => ({ dial: n === SHOWN ? gw('777') : gw2(n) }), {
        '777': answers,
      });
      const called = await call.callee('777');
      await call.talking;
      const second = life.place(
        { '888': { ringAt: 20, answerAt: 1500 } },
        { destination: '888', caller: { number: '777', name: 'Desk' } },
      );
      await until('888 rings', () => second.caller.statuses.includes(180));
      called.refer('888', second.caller);
      const party = await second.callee('888');
      await sleep(1000);
      call.caller.bye();
      party.bye();
      const { notice } = await call.finish();
      await second.finish();
      expect(count(call, 'hangup')).toBe(1);
      expect(count(second, 'hangup')).toBe(1);
      expect(notice['billable_ms']).toBeGreaterThanOrEqual(900);
    },
  },
  {
    name: 'report signalwire/freeswitch#323: time on hold is talk time',
    async run(life) {
      const call = life.call({ dial: gw('777') }, { '777': answers });
      const called = await call.callee('777');
      await call.talking;
      called.reinvite([], 'sendonly');
      await sleep(1000);
      called.reinvite();
      await sleep(300);
      call.caller.bye();
      const { notice } = await call.finish();
      expect(notice['billable_ms']).toBeGreaterThanOrEqual(1200);
      expect(count(call, 'answer')).toBe(1);
    },
  },
];
