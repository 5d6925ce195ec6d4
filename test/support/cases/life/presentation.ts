import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { headersTo, leaks } from '#test/support/freeswitch/sip-trace.ts';
import { until } from '#test/support/until.ts';
import type { LifeCase } from './case.ts';
import {
  answers,
  CALLER,
  gw,
  gw2,
  HIDDEN,
  type LifeCall,
  type LifeHarness,
  rings,
  SHOWN,
} from './harness.ts';

const ASSERTED = '+493012345678';
const WITHHELD = [
  ['P-Asserted-Identity', `<sip:${ASSERTED}@127.0.0.1>`],
  ['Privacy', 'id'],
] as const;
const ANONYMOUS = { number: 'anonymous', name: 'Anonymous' };
const MASKED = { caller_id: { number: SHOWN }, dial: gw(HIDDEN) };

/** A phone whose display FreeSWITCH updates during a call, by UPDATE, INFO or sipfrag. */
const DISPLAYS: readonly (readonly [string, readonly (readonly [string, string])[]])[] = [
  ['UPDATE', [['User-Agent', 'Yealink SIP-T46S']]],
  ['sipfrag', [['User-Agent', 'snom821/8.7.5.35']]],
  [
    'INFO',
    [
      ['User-Agent', 'FreeSWITCH'],
      ['X-FS-Support', 'update_display,send_info'],
    ],
  ],
];

/** A call to `destination` by a third party. */
const third = (
  life: LifeHarness,
  destination: string,
  headers: readonly (readonly [string, string])[],
  callees = {},
): LifeCall => life.place(callees, { destination, caller: { number: '1001', name: 'Picker' }, headers });

/** Ends a call that a phone has picked up. Neither has been shown a number of the other. */
async function expectNoNumbers(call: LifeCall, picker: LifeCall): Promise<void> {
  await sleep(1000);
  call.caller.bye();
  await call.finish();
  await picker.ended;
  expect(leaks(picker.trace, 'caller', [CALLER, HIDDEN])).toEqual([]);
  expect(leaks(call.trace, 'caller', ['1001', 'Picker', HIDDEN])).toEqual([]);
}

const dials = { [SHOWN]: MASKED } as Record<string, object>;

/** Headers in which a party could show a number, or FreeSWITCH one that it was given. */
const headersWith = (number: string): readonly (readonly [string, string])[] =>
  [
    ...['Subject', 'Organization', 'User-to-User', 'Session-ID', 'Identity', 'P-Charging-Vector', 'Server'],
    ...[
      'P-Access-Network-Info',
      'Priority',
      'In-Reply-To',
      'X-Number',
      'X-FS-Display-Number',
      'Accept-Contact',
    ],
  ]
    .map((name) => [name, number] as const)
    .concat(
      [
        'Alert-Info',
        'Call-Info',
        'Diversion',
        'History-Info',
        'P-Called-Party-ID',
        'P-Charge-Info',
        'Reply-To',
      ].map((name) => [name, `<sip:${number}@127.0.0.1>`] as const),
    );

export const PRESENTATION: readonly LifeCase[] = [
  ...[200, 486].map(
    (status): LifeCase => ({
      name: `1 masking: no header of a party reaches the other in a call that ends with ${status}`,
      async run(life) {
        const [ofCaller, ofCalled] = ['4915100000', '4916200000'];
        const headers = headersWith(ofCalled);
        const steps = [
          { at: 20, status: 180, headers },
          { at: 60, status: 183, sdp: true, headers },
          { at: 200, status, headers },
        ];
        const call = life.call(MASKED, { [HIDDEN]: { steps } }, { headers: headersWith(ofCaller) });
        if (status === 200) {
          const called = await call.callee(HIDDEN);
          await call.talking;
          for (const [party, number] of [
            [called, ofCalled],
            [call.caller, ofCaller],
          ] as const) {
            await sleep(200);
            party.info(headersWith(number));
            party.update(headersWith(number));
            party.reinvite(headersWith(number));
          }
          await sleep(500);
          call.caller.bye();
        }
        const { trace } = await call.finish();
        expect(leaks(trace, 'caller', [ofCalled, HIDDEN])).toEqual([]);
        expect(leaks(trace, 'called', [ofCaller, CALLER])).toEqual([]);
      },
    }),
  ),
  ...[
    ['P-Asserted-Identity', `<sip:${ASSERTED}@127.0.0.1>`],
    ['P-Preferred-Identity', `"Main" <sip:${ASSERTED}@127.0.0.1>`],
    ['Remote-Party-ID', `"Main" <sip:${ASSERTED}@127.0.0.1>;party=calling`],
    ['P-Asserted-Identity', `<tel:${ASSERTED}>`],
    ['P-Asserted-Identity', `<sip:${ASSERTED};cpc=ordinary@127.0.0.1;user=phone>`],
  ].map(
    ([name = '', value = '']): LifeCase => ({
      name: `1 caller: the number in From is presented, not that in ${name}: ${value}`,
      async run(life) {
        const headers = [[name, value]] as const;
        const call = life.call({ dial: gw('777') }, { '777': answers }, { byeAt: 100, headers });
        const { trace, invites, notice } = await call.finish();
        expect(call.requests()).toMatchObject([
          { caller_id_number: CALLER, caller_id_name: 'Alice', asserted_number: ASSERTED },
        ]);
        expect(notice).toMatchObject({ caller_id_number: CALLER, caller_id_name: 'Alice' });
        expect(invites).toMatchObject([{ callerNumber: CALLER }]);
        expect(leaks(trace, 'called', [ASSERTED])).toEqual([]);
      },
    }),
  ),
  {
    name: '1 caller: privacy id asserts the number at a domain of FreeSWITCH, From is anonymous',
    async run(life) {
      const decision = { caller_id: { privacy: 'id' }, dial: gw('777') };
      const more = { caller: ANONYMOUS, headers: WITHHELD, byeAt: 100 };
      const { trace } = await life.call(decision, { '777': answers }, more).finish();
      expect(headersTo(trace, 'called', 'From')[0]).toMatch(
        /^"Anonymous" <sip:anonymous@anonymous\.invalid>/,
      );
      expect(headersTo(trace, 'called', 'Privacy')[0]).toBe('id');
      expect(headersTo(trace, 'called', 'P-Asserted-Identity')[0]).toContain(`<sip:${ASSERTED}@127.0.0.1>`);
      expect(leaks(trace, 'called', [ASSERTED]).filter((line) => !line.includes('P-Asserted'))).toEqual([]);
    },
  },
  ...[
    ['braces', `{origination_caller_id_number=${SHOWN}}sofia/gateway/gw/777`],
    ['brackets', `[origination_caller_id_number=${SHOWN}]sofia/gateway/gw/777`],
  ].map(
    ([what, dialstring]): LifeCase => ({
      name: `1 withheld: a caller number in the ${what} of a dial string is shown instead`,
      async run(life) {
        const more = { caller: ANONYMOUS, headers: WITHHELD, byeAt: 100 };
        const call = life.call({ dial: { type: 'dialstring', dialstring } }, { '777': answers }, more);
        const { trace, invites } = await call.finish();
        expect(invites).toMatchObject([{ callerNumber: SHOWN }]);
        expect(headersTo(trace, 'called', 'Privacy')).toEqual([]);
        expect(headersTo(trace, 'called', 'Remote-Party-ID').join()).not.toContain('full');
        expect(leaks(trace, 'called', [ASSERTED])).toEqual([]);
      },
    }),
  ),
  ...DISPLAYS.map(
    ([what, headers]): LifeCase => ({
      name: `1 pickup: a phone with ${what} is not shown the number of the caller`,
      async run(life) {
        const call = life.call(MASKED, { [HIDDEN]: rings });
        await until('it rings', () => call.caller.statuses.includes(180));
        const picker = third(life, `pickup-${call.uuid}`, headers);
        await call.caller.answered;
        await expectNoNumbers(call, picker);
      },
    }),
  ),
  {
    name: '1 pickup: of an answered call shows no number',
    async run(life) {
      const [, headers] = DISPLAYS[0] ?? ['', []];
      const call = life.call(MASKED, { [HIDDEN]: answers }, { headers });
      await call.callee(HIDDEN);
      await call.talking;
      const picker = third(life, `pickup-${call.uuid}`, headers);
      await picker.caller.answered;
      await expectNoNumbers(call, picker);
    },
  },
  {
    name: '1 uuid_bridge: two callers are not shown the numbers of each other',
    async run(life) {
      const [, headers] = DISPLAYS[0] ?? ['', []];
      life.decide(({ destination_number: n }) => dials[n] ?? { dial: gw2(n) });
      const call = life.place({ [HIDDEN]: answers }, { headers });
      await call.callee(HIDDEN);
      await call.talking;
      const other = third(life, '888', headers, { '888': answers });
      await other.callee('888');
      await other.talking;
      await life.freeswitch.api(`uuid_bridge ${call.uuid} ${other.uuid}`);
      await sleep(1000);
      call.caller.bye();
      other.caller.bye();
      await Promise.all([call.finish(), other.finish()]);
      expect(leaks(other.trace, 'caller', [CALLER, HIDDEN])).toEqual([]);
      expect(leaks(call.trace, 'caller', ['1001', 'Picker', HIDDEN])).toEqual([]);
    },
  },
  ...(['called party', 'caller'] as const).map(
    (by): LifeCase => ({
      name: `1 attended transfer by the ${by}: the next party, called without Dialhook, is not shown the ${by === 'caller' ? 'called party' : 'caller'}`,
      async run(life) {
        const [, headers] = DISPLAYS[0] ?? ['', []];
        const call = life.call(MASKED, { [HIDDEN]: answers }, { headers });
        const called = await call.callee(HIDDEN);
        await call.talking;
        const allow = ['Allow', 'INVITE, ACK, BYE, CANCEL, UPDATE'] as const;
        const steps = [
          { at: 20, status: 180, headers },
          { at: 60, status: 200, headers: [...headers, allow] },
        ];
        const second = third(life, 'direct-carol', headers, { carol: { steps } });
        const carol = await second.callee('carol');
        await second.talking;
        if (by === 'caller') {
          call.caller.refer('carol', second.caller);
          await Promise.all([call.caller.ended, second.caller.ended]);
        } else {
          called.refer('carol', second.caller);
          await second.caller.ended;
        }
        await sleep(1000);
        if (by === 'caller') called.bye();
        else call.caller.bye();
        await call.finish();
        await carol.ended;
        expect(leaks(second.trace, 'called', [CALLER, HIDDEN], 'carol')).toEqual([]);
        if (by === 'caller') expect(leaks(call.trace, 'called', [CALLER], HIDDEN)).toEqual([]);
        else expect(leaks(call.trace, 'caller', ['1001', 'Picker', HIDDEN])).toEqual([]);
      },
    }),
  ),
];
