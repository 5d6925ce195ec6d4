import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { parseSip } from '#test/support/freeswitch/sip-message.ts';
import type { TracedMessage } from '#test/support/freeswitch/sip-trace.ts';
import type { LifeCase } from './case.ts';
import { answers, gw, type LifeCall, type LifeHarness, rings, SHOWN } from './harness.ts';

const ALL = ['ring', 'progress', 'answer', 'hangup', 'leg_end', 'transfer'];
const PICKER = { number: '1001', name: 'Picker' };

const tag = (value = ''): string => /;tag=([^;]+)/.exec(value)?.[1] ?? '';

/** The value of Replaces for a called leg that rings, from its 180. */
function ringingLeg(trace: readonly TracedMessage[]): string {
  const text = trace.find((one) => one.byParty && one.text.startsWith('SIP/2.0 180'))?.text ?? '';
  const headers = Object.fromEntries(parseSip(text).headers);
  return `${headers['Call-ID']};to-tag=${tag(headers['From'])};from-tag=${tag(headers['To'])};early-only`;
}

async function begin(life: LifeHarness, called: typeof answers): Promise<LifeCall> {
  const call = life.call({ notify: ALL, dial: gw('777') }, { '777': called });
  await call.notification('ring');
  if (called !== rings) {
    await call.callee('777');
    await call.talking;
    await sleep(300);
  }
  return call;
}

/** Each phone that joined the call, in the notifications that name it. */
const phones = (call: LifeCall) => ({
  answered: call.notified().flatMap((one) => (one['action'] === 'answer' ? one['called_number'] : [])),
  joined: call
    .notified()
    .flatMap((one) => (one['action'] === 'transfer' ? [one['kind'], one['to_number']] : [])),
});

/** Who the parties of a transfer or a pickup are. */
export const PARTIES_OF_TRANSFERS: readonly LifeCase[] = [
  ...(['that rings', 'that talks'] as const).map(
    (which): LifeCase => ({
      name: `6 pickup by INVITE with Replaces of a phone ${which}: the answer names the phone that picked up`,
      onlyFreeSwitch: 'the simulator does not read Replaces of an INVITE',
      async run(life) {
        const isRinging = which === 'that rings';
        const call = await begin(life, isRinging ? rings : answers);
        const replaces = isRinging ? ringingLeg(call.trace) : (await call.callee('777')).replaces;
        const headers = [['Replaces', replaces]] as const;
        const picker = life.place({}, { destination: '1001', caller: PICKER, headers });
        await picker.caller.answered;
        await sleep(700);
        call.caller.bye();
        await Promise.all([call.finish(), picker.caller.ended]);
        expect(phones(call)).toEqual({
          answered: isRinging ? ['1001'] : ['777', '1001'],
          joined: ['pickup', '1001'],
        });
      },
    }),
  ),
  {
    name: '6 pickup: an operator connects a caller that waits with a phone: answer at once, with its number',
    onlyFreeSwitch: 'the simulator has no extension where a call waits',
    async run(life) {
      const call = await begin(life, answers);
      (await call.callee('777')).refer('parked');
      await call.notification('leg_end');
      const picker = life.place({}, { destination: 'parked', caller: PICKER });
      await picker.caller.answered;
      await life.freeswitch.api(`uuid_bridge ${call.uuid} ${picker.uuid}`);
      await call.notification('transfer');
      expect(phones(call)).toEqual({ answered: ['777', '1001'], joined: ['pickup', '1001'] });
      await sleep(1000);
      call.caller.bye();
      const { notice } = await call.finish();
      await picker.caller.ended;
      expect(notice['billable_ms']).toBeGreaterThanOrEqual(1200);
      expect(phones(call)).toEqual({ answered: ['777', '1001'], joined: ['pickup', '1001'] });
    },
  },
  ...[
    ['<tel:888>', '888'],
    ['<tel:888;phone-context=+49>', '888'],
    ['<sip:+13125550100;npdi;rn=+13125550199@127.0.0.1;user=phone>', '+13125550100;npdi;rn=+13125550199'],
  ].map(
    ([referTo = '', number = '']): LifeCase => ({
      name: `6 blind transfer by the callee, Refer-To ${referTo}: the request names the callee`,
      async run(life) {
        const call = life.call(
          ({ destination_number: dialled }) => ({ notify: ALL, dial: gw(dialled === SHOWN ? '777' : '888') }),
          { '777': answers, '888': answers },
        );
        const called = await call.callee('777');
        await call.talking;
        called.referTo(referTo);
        await call.callee('888');
        await sleep(300);
        call.caller.bye();
        await call.finish();
        const by = { transferred_by: 'callee', destination_number: number };
        expect(call.requests()[1]).toMatchObject({ reason: 'transfer', ...by });
        const transfer = await call.notification('transfer');
        expect(transfer).toMatchObject({ kind: 'blind', by: 'callee', to_number: number });
      },
    }),
  ),
];
