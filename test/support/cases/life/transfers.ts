import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { until } from '#test/support/until.ts';
import type { LifeCase } from './case.ts';
import {
  answers,
  CALLER,
  gw,
  gw2,
  type LifeCall,
  type LifeHarness,
  rings,
  SHOWN,
  stopwatch,
} from './harness.ts';

const ALL = ['ring', 'progress', 'answer', 'hangup', 'leg_end', 'transfer'];
const TALK_MS = 1000;
const expectWithin = (value: unknown, atLeast: number, atMost: number) => {
  expect(value).toBeGreaterThanOrEqual(atLeast - 300);
  expect(value).toBeLessThanOrEqual(atMost);
};

/** 95588 reaches 777, 888 reaches 888, with every notification. */
function begin(life: LifeHarness, more: object = {}): LifeCall {
  return life.call(
    ({ destination_number: number }) => ({
      notify: ALL,
      ...more,
      dial: number === SHOWN ? gw('777') : gw2(number),
    }),
    { '777': answers, '888': answers },
  );
}

/** A second call by one of the parties, to 888. */
async function consult(life: LifeHarness): Promise<LifeCall> {
  const call = life.place(
    { '888': answers },
    { destination: '888', caller: { number: '777', name: 'Desk' } },
  );
  await call.callee('888');
  await call.talking;
  return call;
}

/** The same, while the notifications of decisions are the four of old endpoints. */
const OLD = { notify: undefined };

export const TRANSFERS: readonly LifeCase[] = [
  {
    name: '6 blind transfer by the callee: two requests, counted, with their reasons',
    async run(life) {
      const call = begin(life);
      const called = await call.callee('777');
      await call.talking;
      called.refer('888');
      await call.callee('888');
      await sleep(300);
      call.caller.bye();
      const { notice } = await call.finish();
      expect(call.requests()).toMatchObject([
        { reason: 'new', attempt: 1, destination_number: SHOWN },
        { reason: 'transfer', attempt: 2, destination_number: '888', transferred_by: 'callee' },
      ]);
      expect(new Set(life.cluster.requestIds).size).toBe(2);
      expect(notice).toMatchObject({ destination_number: SHOWN, caller_id_number: CALLER });
      const transfer = await call.notification('transfer');
      expect(transfer).toMatchObject({
        kind: 'blind',
        by: 'callee',
        to_number: '888',
        destination_number: SHOWN,
      });
    },
  },
  {
    name: '6 blind transfer by the callee: talk time is that with both parties',
    async run(life) {
      const elapsed = stopwatch();
      const call = begin(life);
      const called = await call.callee('777');
      await call.talking;
      await sleep(TALK_MS);
      called.refer('888');
      await call.callee('888');
      await sleep(TALK_MS);
      call.caller.bye();
      const { notice } = await call.finish();
      expectWithin(notice['billable_ms'], 2 * TALK_MS, elapsed());
      await until('both legs end', () =>
        expect(call.notified().filter(({ action }) => action === 'leg_end')).toHaveLength(2),
      );
    },
  },
  {
    name: '6 blind transfer by the caller: a new call, linked to the one it came from',
    async run(life) {
      const sinceCall = stopwatch();
      const call = begin(life, { caller_id: { number: '70001' }, callee_id: { number: '70002' } });
      const called = await call.callee('777');
      await call.talking;
      await sleep(TALK_MS);
      const sinceTransfer = stopwatch();
      call.caller.refer('888');
      await call.callee('888');
      await until('the new call is requested', () => life.cluster.requests.length === 2);
      const untilRequest = sinceCall();
      await sleep(TALK_MS);
      called.bye();
      const { notice } = await call.finish();
      expectWithin(notice['billable_ms'], TALK_MS, untilRequest);
      const second = life.cluster.requests[1];
      expect(second).toMatchObject({
        reason: 'transfer',
        attempt: 1,
        transferred_by: 'caller',
        transferred_from: call.uuid,
        // As the caller was shown it, not the number that was dialled.
        caller_id_number: '70002',
        destination_number: '888',
      });
      expect(second?.uuid).not.toBe(call.uuid);
      expect(await call.notification('transfer')).toMatchObject({
        kind: 'blind',
        by: 'caller',
        to_number: '888',
        to_call: second?.uuid,
      });
      const hangups = () => life.notified(second?.uuid ?? '').filter(({ action }) => action === 'hangup');
      await until('the new call ends', () => hangups().length === 1);
      expectWithin(hangups()[0]?.['billable_ms'], TALK_MS, sinceTransfer());
    },
  },
  {
    name: '6 attended transfer by the callee: the first call continues with the party that was consulted',
    async run(life) {
      const call = begin(life);
      const called = await call.callee('777');
      await call.talking;
      const sinceConsultation = stopwatch();
      const second = await consult(life);
      called.refer('888', second.caller);
      await second.caller.ended;
      const consulted = sinceConsultation();
      await sleep(TALK_MS);
      call.caller.bye();
      const [first, consultation] = await Promise.all([call.finish(), second.finish()]);
      expect(await call.notification('transfer')).toMatchObject({ kind: 'attended', by: 'callee' });
      expect(first.notice).toMatchObject({ destination_number: SHOWN, hangup_by: 'caller' });
      expect(Number(first.notice['billable_ms'])).toBeGreaterThanOrEqual(TALK_MS);
      expect(consultation.notice['billable_ms']).toBeLessThanOrEqual(consulted);
    },
  },
  {
    name: '6 attended transfer by the caller: the talk of the remaining parties is reported',
    async run(life) {
      const call = begin(life);
      const called = await call.callee('777');
      await call.talking;
      const second = await consult(life);
      call.caller.refer('888', second.caller);
      await Promise.all([call.caller.ended, second.caller.ended]);
      await sleep(TALK_MS);
      called.bye();
      await Promise.all([call.finish(), second.finish()]);
      expect(await call.notification('transfer')).toMatchObject({ kind: 'attended', by: 'caller' });
      const legEnds = () =>
        [...call.notified(), ...second.notified()].filter(({ action }) => action === 'leg_end');
      await until('both legs end', () => legEnds().length === 2);
      for (const { talk_ms } of legEnds()) expect(Number(talk_ms)).toBeGreaterThanOrEqual(TALK_MS);
    },
  },
  {
    name: '6 pickup: an answer by the phone that picked up, the identity of the caller stays',
    async run(life) {
      const elapsed = stopwatch();
      const call = life.call({ notify: ALL, dial: gw('777') }, { '777': rings });
      await until('it rings', () => call.caller.statuses.includes(180));
      const picker = life.place(
        {},
        { destination: `pickup-${call.uuid}`, caller: { number: '1001', name: 'Picker' } },
      );
      await call.caller.answered;
      await sleep(TALK_MS);
      call.caller.bye();
      const { notice } = await call.finish();
      await picker.ended;
      expect(await call.notification('answer')).toMatchObject({
        called_number: '1001',
        caller_id_number: CALLER,
      });
      expect(notice).toMatchObject({ caller_id_number: CALLER, destination_number: SHOWN });
      expectWithin(notice['billable_ms'], TALK_MS, elapsed());
      expect(await call.notification('transfer')).toMatchObject({ kind: 'pickup', by: 'other' });
    },
  },
  {
    name: '6 pickup: with several phones that ring',
    async run(life) {
      const decision = { notify: ALL, strategy: 'simultaneous', dial: [gw('777'), gw2('778')] };
      const call = life.call(decision, { '777': rings, '778': rings });
      await until('it rings', () => call.caller.statuses.includes(180));
      const picker = life.place(
        {},
        { destination: `pickup-${call.uuid}`, caller: { number: '1001', name: 'Picker' }, byeAt: 500 },
      );
      const { notice } = await call.finish();
      await picker.ended;
      expect(await call.notification('answer')).toMatchObject({ called_number: '1001' });
      expect(notice).toMatchObject({ caller_id_number: CALLER, destination_number: SHOWN });
    },
  },
  {
    name: '6 attended transfer while the second call rings: no pickup, each call with its own numbers',
    onlyFreeSwitch: 'the simulator only transfers to a party that has answered',
    async run(life) {
      const call = begin(life);
      const called = await call.callee('777');
      await call.talking;
      const second = life.place(
        { '888': { ringAt: 20, answerAt: 1500 } },
        { destination: '888', caller: { number: '777', name: 'Desk' } },
      );
      await until('888 rings', () => second.caller.statuses.includes(180));
      called.refer('888', second.caller);
      const party = await second.callee('888');
      await sleep(TALK_MS);
      party.bye();
      await Promise.all([call.finish(), second.finish()]);
      expect(await call.notification('transfer')).toMatchObject({
        ...{ kind: 'attended', by: 'callee', to_number: '888', to_call: second.uuid },
      });
      expect(await second.notification('transfer')).toMatchObject({ kind: 'attended', by: 'caller' });
      const numbers = call.notified().flatMap((one) => one['called_number'] ?? []);
      expect(new Set(numbers)).toEqual(new Set(['777']));
    },
  },
  {
    name: '6 transfer of both legs over the event socket: by other, the call of the caller continues',
    onlyFreeSwitch: 'the simulator transfers the caller leg only',
    async run(life) {
      const call = begin(life);
      const called = await call.callee('777');
      await call.talking;
      await life.freeswitch.api(`uuid_transfer ${call.uuid} -both 888 XML default`);
      await until('both are requested', () => life.cluster.requests.length === 3);
      await until(
        'both talk again',
        () => call.notified().filter(({ action }) => action === 'answer').length === 2,
      );
      called.bye();
      call.caller.bye();
      const { notice } = await call.finish();
      const requests = life.cluster.requests.slice(1).toSorted((one, other) => one.attempt - other.attempt);
      expect(requests).toMatchObject([
        { reason: 'transfer', attempt: 1, transferred_by: 'other', transferred_from: call.uuid },
        { reason: 'transfer', attempt: 2, transferred_by: 'other', uuid: call.uuid },
      ]);
      expect(notice).toMatchObject({ hangup_by: 'caller', destination_number: SHOWN });
      const transfers = call.notified().filter(({ action }) => action === 'transfer');
      expect(transfers).toMatchObject([{ kind: 'blind', by: 'other', leg: requests[0]?.uuid }]);
    },
  },
  {
    name: '6 transfer over the event socket keeps the identity of the call',
    async run(life) {
      const call = begin(life);
      await call.callee('777');
      await call.talking;
      await life.freeswitch.api(`uuid_transfer ${call.uuid} 888 XML default`);
      await call.callee('888');
      await sleep(300);
      call.caller.bye();
      const { notice } = await call.finish();
      expect(call.requests()).toMatchObject([{ attempt: 1 }, { attempt: 2, reason: 'transfer' }]);
      expect(notice).toMatchObject({ destination_number: SHOWN, caller_id_number: CALLER });
    },
  },
  {
    name: '6 transfers: an endpoint that lists no notifications sees the four that it knows',
    async run(life) {
      const call = begin(life, OLD);
      const called = await call.callee('777');
      await call.talking;
      called.refer('888');
      await call.callee('888');
      await sleep(300);
      call.caller.bye();
      await call.finish();
      await sleep(1500);
      const actions = new Set(call.notified().map(({ action }) => action));
      expect([...actions].toSorted()).toEqual(['answer', 'hangup', 'ring']);
    },
  },
  {
    name: '6 transfers: transfers count among the requests, which are bounded',
    async run(life) {
      const call = life.call(({ destination_number: number }) => ({ dial: gw(number) }), {
        [SHOWN]: answers,
        '1': answers,
        '2': answers,
        '3': answers,
        '4': answers,
        '5': answers,
      });
      let last = await call.callee(SHOWN);
      await call.talking;
      for (const number of ['1', '2', '3', '4']) {
        await sleep(200);
        last.refer(number);
        last = await call.callee(number);
      }
      await sleep(300);
      last.refer('5');
      const { result } = await call.finish();
      expect(call.requests().map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5]);
      expect(result).toBe('too_many_requests');
    },
  },
];
