import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { until } from '#test/support/until.ts';
import type { LifeCase } from './case.ts';
import { answers, CALLER, gw, gw2, type LifeCall, type LifeHarness, rings, SHOWN } from './harness.ts';

const ALL = ['ring', 'progress', 'answer', 'hangup', 'leg_end', 'transfer'];
const TALK_MS = 1000;
const CALLEES = { '777': answers, '888': answers, '889': answers };

/** 95588 reaches 777, every other number itself, with every notification. */
const begin = (life: LifeHarness, callees: Parameters<LifeHarness['call']>[1] = CALLEES): LifeCall =>
  life.call(
    ({ destination_number: number }) => ({ notify: ALL, dial: number === SHOWN ? gw('777') : gw2(number) }),
    callees,
  );

/** A call whose parties talk. */
async function beginTalk(life: LifeHarness) {
  const call = begin(life);
  const called = await call.callee('777');
  await call.talking;
  return { call, called };
}

/** A second call by one of the parties, to 888. */
async function consult(life: LifeHarness, caller = { number: '777', name: 'Desk' }) {
  const second = life.place(CALLEES, { destination: '888', caller });
  const consulted = await second.callee('888');
  await second.talking;
  return { second, consulted };
}

/** The called party has connected the caller with 888. */
async function transferred(life: LifeHarness) {
  const { call, called } = await beginTalk(life);
  const { second, consulted } = await consult(life);
  called.refer('888', second.caller);
  await second.caller.ended;
  await call.notification('transfer');
  return { call, second, consulted };
}

const untilBothLegsEnd = (call: LifeCall, second: LifeCall) =>
  until(
    'the legs of both end',
    () => story(call).includes('leg_end 777') && story(second).includes('leg_end 888'),
  );

/** The actions of a call in the order of its notifications, with the called number or the kind. */
const story = (call: LifeCall): string[] =>
  call
    .notified()
    .map(({ action, called_number: number, kind }) => `${action} ${kind ?? number ?? ''}`.trim());

/** The requests for a decision on a number. */
const requestsFor = (life: LifeHarness, number: string) =>
  life.cluster.requests.filter(({ destination_number: dialled }) => dialled === number);

export const CHAINED_TRANSFERS: readonly LifeCase[] = [
  {
    name: '6 transfer by the phone that picked up: reported before the next party rings',
    onlyFreeSwitch: 'the simulator ends the phone that picked up with the call',
    async run(life) {
      const call = begin(life, { ...CALLEES, '777': rings });
      await until('it rings', () => call.caller.statuses.includes(180));
      const picker = life.place(
        {},
        { destination: `pickup-${call.uuid}`, caller: { number: '1001', name: 'Picker' } },
      );
      await call.caller.answered;
      await call.notification('transfer');
      picker.caller.refer('888');
      await call.callee('888');
      await until('888 is reported', () => story(call).includes('answer 888'));
      call.caller.bye();
      await call.finish();
      const seen = story(call);
      expect(seen.filter((one) => one === 'transfer blind')).toHaveLength(1);
      expect(seen.indexOf('transfer blind')).toBeLessThan(seen.indexOf('ring 888'));
      expect(call.notified().findLast(({ action }) => action === 'transfer')).toMatchObject({
        ...{ kind: 'blind', by: 'callee', to_number: '888' },
      });
    },
  },
  {
    name: '6 transfer by a party that an attended transfer connected: reported before the next party rings',
    onlyFreeSwitch: 'the simulator does not transfer a call that was transferred to a consulted party',
    async run(life) {
      const { call, consulted } = await transferred(life);
      consulted.refer('889');
      await call.callee('889');
      await until('889 is reported', () => story(call).includes('answer 889'));
      call.caller.bye();
      await call.finish();
      const seen = story(call);
      expect(seen.filter((one) => one.startsWith('transfer'))).toEqual([
        'transfer attended',
        'transfer blind',
      ]);
      expect(seen.indexOf('transfer blind')).toBeLessThan(seen.indexOf('ring 889'));
    },
  },
  {
    name: '6 transfer by the caller of a consulted party: it left the call that it had joined',
    onlyFreeSwitch: 'the simulator does not transfer a call that was transferred to a consulted party',
    async run(life) {
      const { call, second, consulted } = await transferred(life);
      await sleep(TALK_MS);
      call.caller.refer('889');
      await second.callee('889');
      const third = requestsFor(life, '889')[0];
      expect(third).toMatchObject({
        ...{ reason: 'transfer', transferred_by: 'caller', transferred_from: call.uuid },
      });
      consulted.bye();
      const [{ notice }] = await Promise.all([call.finish(), second.finish()]);
      expect(Number(notice['billable_ms'])).toBeGreaterThanOrEqual(TALK_MS);
      await until('the transfer is reported', () => story(call).includes('transfer blind'));
      expect(call.notified().findLast(({ action }) => action === 'transfer')).toMatchObject({
        ...{ by: 'caller', to_number: '889', to_call: third?.uuid },
      });
      const end = await second.notification('leg_end');
      expect(end).toMatchObject({ called_number: '888', cause: 'BLIND_TRANSFER' });
      expect(Number(end['talk_ms'])).toBeGreaterThanOrEqual(TALK_MS);
    },
  },
  {
    name: '6 transfer between the parties that the caller connected: the talk time has all of their talk',
    onlyFreeSwitch: 'the simulator does not transfer a call that was transferred to a consulted party',
    async run(life) {
      const { call, called } = await beginTalk(life);
      const { second, consulted } = await consult(life);
      call.caller.refer('888', second.caller);
      await Promise.all([call.caller.ended, second.caller.ended]);
      await sleep(TALK_MS);
      called.refer('889');
      await second.callee('889');
      consulted.bye();
      await Promise.all([call.finish(), second.finish()]);
      expect(requestsFor(life, '889')).toMatchObject([{ reason: 'transfer', transferred_from: second.uuid }]);
      const end = await second.notification('leg_end');
      expect(end).toMatchObject({ called_number: '888', cause: 'BLIND_TRANSFER' });
      expect(Number(end['talk_ms'])).toBeGreaterThanOrEqual(TALK_MS);
      await until('777 ends', () => story(call).includes('leg_end 777'));
      expect(
        Number(call.notified().find(({ action }) => action === 'leg_end')?.['talk_ms']),
      ).toBeGreaterThanOrEqual(TALK_MS);
    },
  },
  {
    name: '6 calls that an operator connects: each is shown the caller of the other',
    onlyFreeSwitch: 'the simulator has no uuid_bridge',
    async run(life) {
      const { call } = await beginTalk(life);
      const { second } = await consult(life, { number: '1001', name: 'Bob' });
      await life.freeswitch.api(`uuid_bridge ${call.uuid} ${second.uuid}`);
      await untilBothLegsEnd(call, second);
      await sleep(500);
      call.caller.bye();
      second.caller.bye();
      await Promise.all([call.finish(), second.finish()]);
      const joined = (one: LifeCall) => one.notified().filter(({ kind }) => kind === 'pickup');
      expect(joined(call)).toMatchObject([{ by: 'other', to_number: '1001', to_call: second.uuid }]);
      expect(joined(second)).toMatchObject([{ by: 'other', to_number: CALLER, to_call: call.uuid }]);
      expect(story(call)).toContain('answer 1001');
      expect(story(second)).toContain(`answer ${CALLER}`);
    },
  },
  ...(['first', 'second'] as const).map(
    (place): LifeCase => ({
      name: `6 attended transfer by the caller that holds both calls, REFER in the ${place}: its talk time ends there`,
      onlyFreeSwitch: 'the simulator has no media to hold',
      async run(life) {
        const { call, called } = await beginTalk(life);
        call.caller.reinvite([], 'sendonly');
        const { second } = await consult(life);
        second.caller.reinvite([], 'sendonly');
        await sleep(500);
        if (place === 'first') call.caller.refer('888', second.caller);
        else second.caller.refer('777', call.caller);
        await Promise.all([call.notification('transfer'), second.notification('transfer')]);
        await sleep(3 * TALK_MS);
        called.bye();
        const ended = await Promise.all([call.finish(), second.finish()]);
        // FreeSWITCH may keep the leg of the transferor until the other parties have ended their talk.
        for (const { notice } of ended) {
          expect(notice).toMatchObject({ hangup_by: 'caller' });
          expect(Number(notice['billable_ms'])).toBeLessThan(3 * TALK_MS);
        }
        await untilBothLegsEnd(call, second);
        for (const one of [call, second])
          expect(Number((await one.notification('leg_end'))['talk_ms'])).toBeGreaterThanOrEqual(3 * TALK_MS);
      },
    }),
  ),
];
