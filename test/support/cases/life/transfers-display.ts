import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { leaks } from '#test/support/freeswitch/sip-trace.ts';
import type { LifeCase } from './case.ts';
import { CALLER, gw, HIDDEN, type LifeCall, type LifeHarness, SHOWN } from './harness.ts';

const PICKER = '4930555001';
/** What the party at the new extension asserts of itself. */
const ASSERTED = '4930555002';

/** Phones that FreeSWITCH sends UPDATE, to show a new party (sofia.c). */
const DISPLAY = [
  ['User-Agent', 'Yealink SIP-T46S'],
  ['Allow', 'INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO, REFER, NOTIFY'],
] as const;
const phone = {
  steps: [
    { at: 20, status: 180, headers: DISPLAY },
    { at: 60, status: 200, headers: DISPLAY },
  ],
};
const MASKED = { caller_id: { number: SHOWN }, callee_id: { number: SHOWN }, dial: gw(HIDDEN) };

async function masked(life: LifeHarness): Promise<LifeCall> {
  const call = life.call(MASKED, { [HIDDEN]: phone, bob: phone }, { headers: DISPLAY });
  await call.callee(HIDDEN);
  await call.talking;
  await sleep(300);
  return call;
}

/** The waiting caller is connected with a phone that has no call of its own. */
async function taken(life: LifeHarness, call: LifeCall, how: 'intercept' | 'uuid_bridge') {
  await life.freeswitch.api(`uuid_transfer ${call.uuid} parked XML default`);
  await sleep(500);
  const destination = how === 'intercept' ? `pickup-${call.uuid}` : 'parked';
  const picker = life.place(
    {},
    { destination, caller: { number: PICKER, name: 'Picker' }, headers: DISPLAY },
  );
  await picker.caller.answered;
  if (how === 'uuid_bridge') await life.freeswitch.api(`uuid_bridge ${call.uuid} ${picker.uuid}`);
  await sleep(700);
  call.caller.bye();
  await Promise.all([call.finish(), picker.caller.ended]);
  return picker;
}

/** After a transfer to an extension without Dialhook. */
export const DISPLAYS_AFTER_TRANSFER: readonly LifeCase[] = [
  ...(['callee', 'operator'] as const).map(
    (by): LifeCase => ({
      name: `1 masking: after a blind transfer by the ${by} the caller is not shown the party that it reaches`,
      async run(life) {
        const call = await masked(life);
        if (by === 'callee') (await call.callee(HIDDEN)).refer('direct-bob');
        else await life.freeswitch.api(`uuid_transfer ${call.uuid} direct-bob XML default`);
        const bob = await call.callee('bob');
        await sleep(500);
        bob.update([['P-Asserted-Identity', `"Bob" <sip:${ASSERTED}@127.0.0.1>`]]);
        await sleep(200);
        call.caller.reinvite();
        await sleep(300);
        call.caller.bye();
        const { trace } = await call.finish();
        expect(leaks(trace, 'caller', ['bob', ASSERTED, HIDDEN])).toEqual([]);
      },
    }),
  ),
  ...(['intercept', 'uuid_bridge'] as const).map(
    (how): LifeCase => ({
      name: `1 masking: a caller that waits after a transfer and the phone that takes it by ${how} show no number`,
      onlyFreeSwitch: 'the simulator has no extension where a call waits',
      async run(life) {
        const call = await masked(life);
        const picker = await taken(life, call, how);
        expect(leaks(call.trace, 'caller', [PICKER, HIDDEN])).toEqual([]);
        expect(leaks(picker.trace, 'caller', [CALLER, HIDDEN])).toEqual([]);
      },
    }),
  ),
];
