import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { requestsTo } from '#test/support/freeswitch/sip-trace.ts';
import type { LifeCase } from './case.ts';
import { answers, gw, gw2, type LifeCall, stopwatch, talksFor, tried, triedLeg } from './harness.ts';
import { heardDuring, NO_MEDIA } from './media.ts';

const CONFIRM = { confirm: { play: 'beep', timeout: 3 } };
const ALL = ['ring', 'progress', 'answer', 'hangup', 'leg_end'];

/** The called party at a number hears the question and types. */
async function type(call: LifeCall, number: string, digits: string): Promise<void> {
  const called = await call.callee(number);
  await sleep(300);
  await called.dtmf(digits);
}

const actions = (call: LifeCall) => call.notified().map(({ action }) => action);

export const ACCEPTANCE: readonly LifeCase[] = [
  {
    name: 'confirm: the key connects; answer means accepted, and talk time counts from then',
    async run(life) {
      const call = life.call({ ...CONFIRM, notify: ALL, dial: gw('777') }, { '777': answers });
      const called = await call.callee('777');
      await sleep(1000);
      expect(actions(call)).toEqual(['ring']);
      expect(call.caller.statuses).not.toContain(200);
      await called.dtmf('1');
      await call.talking;
      await call.notification('answer');
      await sleep(500);
      called.bye();
      const { notice, statuses } = await call.finish();
      expect(statuses).toEqual([100, 180, 200]);
      expect(actions(call)).toEqual(['ring', 'answer', 'leg_end', 'hangup']);
      expect(triedLeg(notice, 0)).toMatchObject({ cause: 'NONE', answered: true, accepted: true });
      expect(notice).toMatchObject({ hangup_by: 'callee', cause: 'NORMAL_CLEARING' });
      const talk = Number(notice['billable_ms']);
      expect(talk).toBeGreaterThan(400);
      expect(talk).toBeLessThan(Number(notice['duration_ms']) - 900);
      const { talk_ms, time } = await call.notification('leg_end');
      expect(Math.abs(Number(talk_ms) - talk)).toBeLessThan(100);
      const answered = Date.parse(String((await call.notification('answer'))['time']));
      expect(Math.abs(Date.parse(String(time)) - answered - talk)).toBeLessThan(100);
    },
  },
  {
    name: 'confirm: talk time counts from the acceptance when the dialplan has answered the caller before',
    async run(life) {
      const call = life.call({ ...CONFIRM, dial: gw('777') }, { '777': answers }, { destination: 'menu' });
      const called = await call.callee('777');
      await sleep(1500);
      await called.dtmf('1');
      await call.notification('answer');
      called.bye();
      const { notice } = await call.finish();
      expect(tried(notice)).toEqual([['777', 'NONE']]);
      expect(notice['billable_ms']).toBeGreaterThan(0);
      // 2 s of the menu, 1.5 s until the key.
      expect(notice['billable_ms']).toBeLessThan(Number(notice['duration_ms']) - 3200);
    },
  },
  {
    name: 'confirm: a voicemail that picks up does not win, and the other phone goes on ringing',
    async run(life) {
      const call = life.call(
        { ...CONFIRM, strategy: 'simultaneous', dial: [gw('777'), gw2('778')] },
        { '777': { ringAt: 20, answerAt: 60 }, '778': { ringAt: 20, answerAt: 1500 } },
      );
      await type(call, '778', '1');
      const called = await call.callee('778');
      await call.talking;
      await sleep(300);
      called.bye();
      const { notice } = await call.finish();
      expect(tried(notice)).toEqual([
        ['777', 'LOSE_RACE'],
        ['778', 'NONE'],
      ]);
      expect(triedLeg(notice, 0)).toMatchObject({ answered: true, accepted: false, talk_ms: 0 });
      expect(triedLeg(notice, 1)).toMatchObject({ answered: true, accepted: true });
      expect(call.notified().filter(({ action }) => action === 'answer')).toMatchObject([
        { called_number: '778' },
      ]);
    },
  },
  {
    name: 'confirm: no key in time leads to the next target',
    async run(life) {
      const call = life.call(
        { confirm: { play: 'beep', timeout: 1 }, dial: [gw('777'), gw2('778')] },
        { '777': answers, '778': answers },
      );
      await type(call, '778', '1');
      const called = await call.callee('778');
      await call.talking;
      called.bye();
      const { notice } = await call.finish();
      expect(tried(notice)).toEqual([
        ['777', 'ALLOTTED_TIMEOUT'],
        ['778', 'NONE'],
      ]);
      expect(triedLeg(notice, 0)).toMatchObject({ answered: true, accepted: false, talk_ms: 0 });
    },
  },
  {
    name: 'confirm: no key in time at the only target; the caller is not answered',
    async run(life) {
      const call = life.call({ confirm: { play: 'beep', timeout: 1 }, dial: gw('777') }, { '777': answers });
      const { notice, statuses } = await call.finish();
      expect(notice).toMatchObject({ cause: 'ALLOTTED_TIMEOUT', billable_ms: 0, hangup_by: 'freeswitch' });
      expect(statuses).not.toContain(200);
      expect(actions(call)).toEqual(['ring', 'hangup']);
      expect(requestsTo(call.trace, 'called')).toContain('BYE');
    },
  },
  {
    name: 'confirm: another key does not connect, then the right one does',
    async run(life) {
      const call = life.call(
        { confirm: { play: 'beep', key: '#', timeout: 5 }, dial: gw('777') },
        { '777': answers },
      );
      await type(call, '777', '1');
      await sleep(800);
      expect(call.caller.statuses).not.toContain(200);
      await type(call, '777', '#');
      await call.talking;
      call.caller.bye();
      expect(tried((await call.finish()).notice)).toEqual([['777', 'NONE']]);
    },
  },
  {
    name: 'confirm: the called party hangs up instead',
    async run(life) {
      const call = life.call(
        { ...CONFIRM, notify: ALL, dial: gw('777') },
        { '777': { ringAt: 20, answerAt: 60, hangsUpAt: 700 } },
      );
      const { notice, statuses } = await call.finish();
      expect(statuses).toEqual([100, 180, 480]);
      expect(actions(call)).toEqual(['ring', 'leg_end', 'hangup']);
      expect(triedLeg(notice, 0)).toMatchObject({
        cause: 'NORMAL_CLEARING',
        answered: true,
        accepted: false,
      });
      expect(notice['billable_ms']).toBe(0);
    },
  },
  {
    name: 'confirm: the caller hangs up meanwhile',
    async run(life) {
      const call = life.call({ ...CONFIRM, dial: gw('777') }, { '777': answers });
      await call.callee('777');
      await call.notification('ring');
      call.caller.cancel();
      const { notice, status } = await call.finish();
      expect([status, notice['cause'], notice['hangup_by']]).toEqual([487, 'ORIGINATOR_CANCEL', 'caller']);
      expect(actions(call)).toEqual(['ring', 'hangup']);
    },
  },
  {
    name: 'confirm: early media is not asked, and the ring time ends at the answer',
    async run(life) {
      const call = life.call(
        { ...CONFIRM, dial: gw('777', { timeout: 2 }) },
        { '777': { mediaAt: 20, answerAt: 1200 } },
      );
      const called = await call.callee('777');
      await sleep(1500);
      await called.dtmf('1');
      await call.talking;
      call.caller.bye();
      const { notice, statuses } = await call.finish();
      expect(statuses).toEqual([100, 200]);
      expect(triedLeg(notice, 0)).toMatchObject({ early_media: true, accepted: true });
    },
  },
  {
    name: 'confirm: max_duration counts from the acceptance',
    async run(life) {
      const call = life.call({ ...CONFIRM, max_duration: 2, dial: gw('777') }, { '777': answers });
      const called = await call.callee('777');
      await sleep(1500);
      const sinceKey = stopwatch();
      await called.dtmf('1');
      const { notice } = await call.finish();
      expect(notice).toMatchObject({ cause: 'ALLOTTED_TIMEOUT', hangup_by: 'freeswitch' });
      expect(notice['billable_ms']).toBeGreaterThan(900);
      expect(notice['billable_ms']).toBeLessThanOrEqual(sinceKey());
    },
  },
  {
    name: 'confirm: nothing of it stays after a transfer by the caller',
    async run(life) {
      const call = life.call(
        { ...CONFIRM, max_duration: 3, dial: gw('777') },
        { '777': answers, bob: answers },
      );
      await type(call, '777', '1');
      const called = await call.callee('777');
      await call.talking;
      await sleep(400);
      call.caller.refer('direct-bob');
      const bob = await call.callee('bob');
      await talksFor(3500, bob);
      called.bye();
      await Promise.all([bob.ended, call.finish()]);
    },
  },
  {
    name: 'confirm: a sound that is not listed, or whose file is missing, still needs the key',
    async run(life) {
      for (const play of ['nowhere', 'lost']) {
        const call = life.call({ confirm: { play }, dial: gw('777') }, { '777': answers });
        await type(call, '777', '1');
        await call.talking;
        call.caller.bye();
        expect(tried((await call.finish()).notice)).toEqual([['777', 'NONE']]);
      }
    },
  },
  {
    name: 'confirm: the called party that hears the question is the only one',
    onlyFreeSwitch: NO_MEDIA,
    async run(life) {
      const call = life.call({ ...CONFIRM, dial: gw('777') }, { '777': answers });
      const heard = await heardDuring(life, async () => {
        await sleep(1500);
        await type(call, '777', '1');
        await call.talking;
        await sleep(300);
        call.caller.bye();
        await call.finish();
      });
      expect(heard.called).toBeGreaterThan(350);
      expect(heard.caller).toBe(0);
    },
  },
  {
    name: 'whisper: the called party is connected when the sound has ended',
    async run(life) {
      const call = life.call(
        { whisper: { play: 'long-beep' }, notify: ALL, dial: gw('777') },
        { '777': answers },
      );
      const called = await call.callee('777');
      await sleep(1000);
      expect(call.caller.statuses).not.toContain(200);
      await call.talking;
      await call.notification('answer');
      called.bye();
      const { notice } = await call.finish();
      expect(actions(call)).toEqual(['ring', 'answer', 'leg_end', 'hangup']);
      expect(triedLeg(notice, 0)).toMatchObject({ cause: 'NONE', answered: true, accepted: true });
      expect(notice['billable_ms']).toBeLessThan(Number(notice['duration_ms']) - 1800);
    },
  },
  {
    name: 'whisper: only the called party hears it',
    onlyFreeSwitch: NO_MEDIA,
    async run(life) {
      const call = life.call({ whisper: { play: 'beep' }, dial: gw('777') }, { '777': answers });
      const heard = await heardDuring(life, async () => {
        await call.talking;
        await sleep(300);
        call.caller.bye();
        await call.finish();
      });
      expect(heard.called).toBeGreaterThan(350);
      expect(heard.called).toBeLessThan(700);
      expect(heard.caller).toBe(0);
    },
  },
  {
    name: 'whisper: a sound that is not listed, or whose file is missing, connects at once',
    async run(life) {
      for (const play of ['nowhere', 'lost']) {
        const call = life.call({ whisper: { play }, dial: gw('777') }, { '777': answers });
        await call.talking;
        call.caller.bye();
        expect(tried((await call.finish()).notice)).toEqual([['777', 'NONE']]);
      }
    },
  },
  {
    name: 'whisper with confirm: both are heard, then the key connects',
    async run(life) {
      const call = life.call({ ...CONFIRM, whisper: { play: 'beep' }, dial: gw('777') }, { '777': answers });
      await type(call, '777', '1');
      await call.talking;
      call.caller.bye();
      expect(tried((await call.finish()).notice)).toEqual([['777', 'NONE']]);
    },
  },
];
