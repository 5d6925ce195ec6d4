import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Callee } from '#test/support/cases/case-node.ts';
import { until } from '#test/support/until.ts';
import type { LifeCase } from './case.ts';
import { answers, gw, KEEP_CALLER, type LifeCall, type LifeHarness, refuses } from './harness.ts';

const ALL = ['ring', 'progress', 'answer', 'hangup', 'leg_end', 'transfer'];
const ONLY_FREESWITCH = 'the simulator has no application att_xfer';
const TALK_MS = 1000;

const of = (call: LifeCall, action: string) => call.notified().filter((one) => one['action'] === action);

/** 777 talks with the caller and calls 888 with `att_xfer`, as features of a dialplan do when a party types digits. */
async function consult(life: LifeHarness, party: Callee) {
  const call = life.call({ notify: ALL, dial: gw('777') }, { '777': answers, '888': party });
  const called = await call.callee('777');
  await call.talking;
  await sleep(TALK_MS);
  const { leg } = (await call.notification('answer')) as { leg: string };
  await life.freeswitch.api(`uuid_setvar ${call.uuid} ${KEEP_CALLER}`);
  await life.freeswitch.api(`uuid_broadcast ${leg} att_xfer::sofia/gateway/gw2/888 aleg`);
  return { call, called, leg };
}

/** Transfers by the application `att_xfer`, and a phone that takes the place of the caller. */
export const CONSULTATIONS: readonly LifeCase[] = [
  {
    name: '6 att_xfer by the called party: the caller talks on with the party that was consulted',
    onlyFreeSwitch: ONLY_FREESWITCH,
    async run(life) {
      const { call, called, leg } = await consult(life, answers);
      await call.callee('888');
      await sleep(TALK_MS);
      called.bye();
      const transfer = await call.notification('transfer');
      await sleep(2 * TALK_MS);
      call.caller.bye();
      const { notice } = await call.finish();
      expect(transfer).toMatchObject({ kind: 'attended', by: 'callee', leg, to_number: '888' });
      expect(of(call, 'transfer')).toHaveLength(1);
      expect(notice['billable_ms']).toBeGreaterThanOrEqual(4 * TALK_MS - 300);
      await until('both legs end', () => expect(of(call, 'leg_end')).toHaveLength(2));
    },
  },
  ...(
    [
      ['is busy', refuses(486)],
      ['hangs up', { ...answers, hangsUpAt: 700 }],
    ] as const
  ).map(
    ([what, party]): LifeCase => ({
      name: `6 att_xfer by the called party: the party that is consulted ${what}, and the talk goes on`,
      onlyFreeSwitch: ONLY_FREESWITCH,
      async run(life) {
        const { call } = await consult(life, party);
        await until('the consultation ends', () => expect(of(call, 'leg_end')).toHaveLength(1));
        await sleep(2 * TALK_MS);
        call.caller.bye();
        const { notice } = await call.finish();
        expect(of(call, 'transfer')).toEqual([]);
        expect(notice['billable_ms']).toBeGreaterThanOrEqual(3 * TALK_MS - 300);
      },
    }),
  ),
  {
    name: '6 INVITE with Replaces of the caller: a phone takes its place',
    onlyFreeSwitch: 'the simulator does not read Replaces of an INVITE',
    async run(life) {
      const call = life.call({ notify: ALL, dial: gw('777') }, { '777': answers });
      const called = await call.callee('777');
      await call.talking;
      await sleep(300);
      const headers = [['Replaces', call.caller.replaces]] as const;
      const phone = life.place(
        {},
        { destination: '1001', caller: { number: '1001', name: 'Desk' }, headers },
      );
      const transfer = await call.notification('transfer');
      await sleep(TALK_MS);
      called.bye();
      const { notice } = await call.finish();
      await phone.caller.ended;
      expect(transfer).toMatchObject({ kind: 'pickup', by: 'other', leg: call.uuid, to_number: '1001' });
      expect(notice).toMatchObject({ cause: 'PICKED_OFF' });
      expect(notice['billable_ms']).toBeLessThan(TALK_MS);
    },
  },
];
