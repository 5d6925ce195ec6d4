import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { until } from '#test/support/until.ts';
import type { LifeCase } from './case.ts';
import { answers, gw, gw2, type LifeHarness, talksFor } from './harness.ts';
import { ALL, BASE, connected, early, expectLength, recordings, talk } from './recorded-call.ts';

/** A call to 777 that is recorded; the decision about a transfer dials 888 and records nothing. */
const recordedOnce = (life: LifeHarness) =>
  connected(
    life,
    ({ reason }) => (reason === 'new' ? { ...BASE, dial: gw('777') } : { notify: ALL, dial: gw2('888') }),
    { '777': answers, '888': answers },
  );

export const RECORDED_LEGS: readonly LifeCase[] = [
  {
    name: 'record: the called party transfers the caller, and the next decision records again',
    async run(life) {
      const call = await connected(
        life,
        ({ reason }) => ({ ...BASE, dial: reason === 'new' ? gw('777') : gw2('888') }),
        { '777': answers, '888': answers },
      );
      const called = await call.callee('777');
      await talk(call, '777', 500);
      called.refer('888');
      await talk(call, '888', 500);
      call.caller.bye();
      await call.finish();
      const names = recordings(call).map(({ name }) => name);
      expect(recordings(call)).toMatchObject([
        { called_number: '777', complete: true },
        { called_number: '888', complete: true },
      ]);
      expect(new Set(names).size).toBe(2);
    },
  },
  {
    name: 'record: the next decision about a transferred call does not record unless it says so',
    async run(life) {
      const call = await recordedOnce(life);
      const called = await call.callee('777');
      called.refer('888');
      await call.callee('888');
      await sleep(500);
      call.caller.bye();
      await call.finish();
      expect(recordings(call)).toMatchObject([{ called_number: '777' }]);
    },
  },
  {
    name: 'record: it ends when the caller transfers the called party, whose talk is not recorded',
    async run(life) {
      const call = await connected(
        life,
        { ...BASE, notify: [...ALL, 'transfer'], dial: gw('777') },
        { '777': answers, bob: answers },
      );
      const called = await call.callee('777');
      await talk(call, '777', 1000);
      call.caller.refer('direct-bob');
      const bob = await call.callee('bob');
      await talksFor(1500, bob);
      called.bye();
      const { notice } = await call.finish();
      const recording = await call.notification('recording');
      expectLength(recording, notice['billable_ms']);
      const ofLeg = () => call.notified().filter(({ leg }) => leg === recording['leg']);
      await until('its leg_end came', () => ofLeg().some(({ action }) => action === 'leg_end'));
      expect(ofLeg().map(({ action }) => action)).toEqual(['ring', 'answer', 'recording', 'leg_end']);
    },
  },
  {
    name: 'record: it ends when the caller transfers the called party to Dialhook, and is reported at once',
    async run(life) {
      const call = await recordedOnce(life);
      const called = await call.callee('777');
      await talk(call, '777', 1000);
      call.caller.refer('888');
      await call.notification('recording');
      await call.callee('888');
      const notice = await call.notification('hangup');
      expectLength(recordings(call)[0], notice['billable_ms']);
      called.bye();
      await call.finish();
      const others = () => life.cluster.requests.filter(({ uuid }) => uuid !== call.uuid);
      const other = others()[0]?.uuid ?? '';
      await until('the new call ended', () => life.notified(other).some(({ action }) => action === 'hangup'));
      expect(life.notified(other).filter(({ action }) => action === 'recording')).toEqual([]);
      expect(recordings(call)).toHaveLength(1);
    },
  },
  {
    name: 'record: from the early media, of a call that is answered',
    async run(life) {
      const call = life.call(
        { ...BASE, record: { start: 'early_media' }, dial: gw('777') },
        { '777': { mediaAt: 20, answerAt: 2000 } },
      );
      await early(call);
      await call.talking;
      await talk(call, '777', 500);
      call.caller.bye();
      const { notice } = await call.finish();
      expect(recordings(call)).toMatchObject([{ complete: true }]);
      expect(recordings(call)[0]?.['duration_ms']).toBeGreaterThan(Number(notice['billable_ms']) + 500);
    },
  },
  {
    name: 'record: from the early media, of a target that then refuses, before the next one is recorded',
    async run(life) {
      const call = life.call(
        { ...BASE, record: { start: 'early_media' }, dial: [gw('777'), gw2('778')] },
        { '777': { mediaAt: 20, refuse: { at: 2000, status: 486 } }, '778': answers },
      );
      await early(call);
      await call.talking;
      await talk(call, '778', 500);
      call.caller.bye();
      await call.finish();
      expect(recordings(call)).toMatchObject([
        { called_number: '777', complete: true },
        { called_number: '778', complete: true },
      ]);
      expect(recordings(call)[0]?.['duration_ms']).toBeGreaterThan(300);
    },
  },
];
