import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { until } from '#test/support/until.ts';
import type { LifeCase } from './case.ts';
import { answers, gw, gw2, type LifeHarness, rings, SHOWN, stopwatch } from './harness.ts';

const ALL = ['ring', 'progress', 'answer', 'hangup', 'leg_end', 'transfer'];

/** 777 rings without an answer; any other number is dialled as it is. */
const decide =
  (first: string) =>
  ({ destination_number: number }: { destination_number: string }) => ({
    notify: ALL,
    dial: number === first ? gw('777') : gw2(number),
  });

async function secondRequest(life: LifeHarness) {
  await until('the new call is requested', () => life.cluster.requests.length === 2);
  return life.cluster.requests[1];
}

/** Transfers of legs that Dialhook has not connected itself. */
export const EARLY_TRANSFERS: readonly LifeCase[] = [
  {
    name: '6 blind transfer by the caller while the called party rings: the leg has not been connected',
    onlyFreeSwitch: 'the simulator transfers a called leg only after its answer',
    async run(life) {
      const more = { destination: 'menu' };
      const call = life.call(decide('menu'), { '777': rings, '888': answers }, more);
      await call.notification('ring');
      call.caller.refer('888');
      const second = await secondRequest(life);
      call.caller.bye();
      const notice = await call.notification('hangup');
      await life.freeswitch.api(`uuid_kill ${second?.uuid}`);
      expect(await call.notification('leg_end')).toMatchObject({ cause: 'BLIND_TRANSFER', talk_ms: 0 });
      expect(notice).toMatchObject({
        billable_ms: 0,
        tried: [{ number: '777', cause: 'BLIND_TRANSFER', answered: false, talk_ms: 0 }],
      });
    },
  },
  {
    name: '6 blind transfer by the caller of a phone that picked up: a transfer from that call',
    async run(life) {
      const call = life.call(decide(SHOWN), { '777': rings, '888': answers });
      await until('it rings', () => call.caller.statuses.includes(180));
      const picker = life.place(
        { '888': answers },
        { destination: `pickup-${call.uuid}`, caller: { number: '1001', name: 'Picker' } },
      );
      await call.caller.answered;
      await sleep(1000);
      const sinceTransfer = stopwatch();
      call.caller.refer('888');
      expect(await secondRequest(life)).toMatchObject({
        ...{ reason: 'transfer', uuid: picker.uuid, attempt: 1, destination_number: '888' },
        ...{ transferred_by: 'caller', transferred_from: call.uuid },
      });
      await picker.callee('888');
      await sleep(1000);
      picker.caller.bye();
      const { notice } = await picker.finish();
      expect(await call.notification('hangup')).toMatchObject({ hangup_by: 'caller' });
      const transfers = call.notified().filter(({ action }) => action === 'transfer');
      expect(transfers).toMatchObject([
        { kind: 'pickup', to_leg: picker.uuid },
        { kind: 'blind', by: 'caller', leg: call.uuid, to_number: '888', to_call: picker.uuid },
      ]);
      const ends = call.notified().filter(({ action }) => action === 'leg_end');
      expect(ends).toMatchObject([
        { called_number: '777', cause: 'PICKED_OFF' },
        { leg: picker.uuid, cause: 'BLIND_TRANSFER' },
      ]);
      // The pickup is not part of the new call, and neither is the talk before.
      const actions = picker.notified().map(({ action }) => action);
      expect(actions).not.toContain('transfer');
      expect(actions.filter((action) => action === 'answer')).toHaveLength(1);
      expect(notice['duration_ms']).toBeLessThanOrEqual(sinceTransfer());
    },
  },
];
