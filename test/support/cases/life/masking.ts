import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { headersTo, leaks, requestsTo } from '#test/support/freeswitch/sip-trace.ts';
import { until } from '#test/support/until.ts';
import type { LifeCase } from './case.ts';
import { answers, CALLER, gw, HIDDEN, type LifeCall, SHOWN } from './harness.ts';

/** What the examples answer. */
const MASKED = {
  variables: { origination_caller_id_number: SHOWN, origination_caller_id_name: SHOWN },
  dial: gw(HIDDEN),
};
const PAI = [['P-Asserted-Identity', `"Real" <sip:${HIDDEN}@gw>`]] as const;

/** Neither side was shown the number of the other. */
function expectMasked({ trace }: Pick<LifeCall, 'trace'>): void {
  expect(requestsTo(trace, 'called')).toContain('INVITE');
  expect(leaks(trace, 'caller', [HIDDEN])).toEqual([]);
  expect(leaks(trace, 'called', [CALLER])).toEqual([]);
}

const WITHHELD = [
  ['P-Asserted-Identity', '<sip:+493012345678@127.0.0.1>'],
  ['Privacy', 'id'],
] as const;
const ANONYMOUS = { caller: { number: 'anonymous', name: 'Anonymous' } };

export const MASKING: readonly LifeCase[] = [
  {
    name: '1 masking: the decision of the examples hides both numbers',
    async run(life) {
      expectMasked(await life.call(MASKED, { [HIDDEN]: answers }, { byeAt: 100 }).finish());
    },
  },
  {
    name: '1 masking: a caller that sends P-Asserted-Identity is not shown the called number',
    async run(life) {
      const headers = [['P-Asserted-Identity', `<sip:${CALLER}@127.0.0.1>`]] as const;
      expectMasked(await life.call(MASKED, { [HIDDEN]: answers }, { byeAt: 100, headers }).finish());
    },
  },
  {
    name: '1 masking: the called party does not get headers of the caller',
    async run(life) {
      const headers = [
        ['X-Real-Number', '4915112345'],
        ['P-Charge-Info', '<sip:4915112345@127.0.0.1>'],
        ['Diversion', '<sip:4915112345@127.0.0.1>;reason=unknown'],
        ['History-Info', '<sip:4915112345@127.0.0.1>;index=1'],
        ['P-Preferred-Identity', '<sip:4915112345@127.0.0.1>'],
        ['Subject', '4915112345'],
        ['Remote-Party-ID', '<sip:4915112345@127.0.0.1>;party=calling'],
      ] as const;
      const { trace } = await life.call(MASKED, { [HIDDEN]: answers }, { byeAt: 100, headers }).finish();
      expect(leaks(trace, 'called', ['4915112345', CALLER])).toEqual([]);
    },
  },
  {
    name: '1 masking: the caller does not see identity or headers of the called party',
    async run(life) {
      const headers = [...PAI, ['X-Callee', HIDDEN]] as const;
      const steps = [
        { at: 20, status: 180, headers },
        { at: 60, status: 183, sdp: true, headers: [['Remote-Party-ID', `<sip:${HIDDEN}@gw>`]] },
        { at: 200, status: 200, headers },
      ] as const;
      expectMasked(await life.call(MASKED, { [HIDDEN]: { steps } }, { byeAt: 100 }).finish());
    },
  },
  {
    name: '1 masking: a refusal does not show the called number',
    async run(life) {
      const steps = [{ at: 20, status: 486, headers: [...PAI, ['X-Callee', HIDDEN]] }] as const;
      expectMasked(await life.call(MASKED, { [HIDDEN]: { steps } }).finish());
    },
  },
  ...[
    ['Yealink SIP-T46S', [] as const],
    ['snom821/8.7.5.35', [] as const],
    ['FreeSWITCH', [['X-FS-Support', 'update_display,send_info']] as const],
  ].map(
    ([userAgent, more]): LifeCase => ({
      name: `1 masking: an UPDATE of the called party does not show its number to a ${userAgent}`,
      async run(life) {
        const headers = [['User-Agent', userAgent as string], ...(more as [])] as const;
        const call = life.call(MASKED, { [HIDDEN]: answers }, { headers });
        const called = await call.callee(HIDDEN);
        await call.talking;
        await sleep(300);
        called.update(PAI);
        called.reinvite(PAI);
        await sleep(500);
        call.caller.bye();
        expectMasked(await call.finish());
      },
    }),
  ),
  {
    name: '1 masking: hold and resume by either party show no number',
    async run(life) {
      const call = life.call(MASKED, { [HIDDEN]: answers }, { headers: [['User-Agent', 'Yealink']] });
      const called = await call.callee(HIDDEN);
      await call.talking;
      call.caller.reinvite([], 'sendonly');
      await sleep(200);
      call.caller.reinvite();
      await sleep(200);
      called.reinvite(PAI, 'sendonly');
      await sleep(200);
      call.caller.bye();
      expectMasked(await call.finish());
    },
  },
  {
    name: '1 masking: after a blind transfer by the caller the next party is not shown the called number',
    async run(life) {
      const call = life.call(MASKED, { [HIDDEN]: answers, bob: answers });
      const called = await call.callee(HIDDEN);
      await call.talking;
      call.caller.refer('direct-bob');
      const bob = await call.callee('bob');
      await until('bob talks', () => requestsTo(call.trace, 'called').includes('ACK'));
      await sleep(300);
      called.bye();
      await bob.ended;
      const { trace } = await call.finish();
      expect(leaks(trace, 'called', [HIDDEN], 'bob')).toEqual([]);
      expect(leaks(trace, 'caller', [HIDDEN])).toEqual([]);
      expect(leaks(trace, 'called', [CALLER], HIDDEN)).toEqual([]);
    },
  },
  {
    name: '1 masking: after a blind transfer by the called party the caller is not shown its number',
    async run(life) {
      const headers = [['User-Agent', 'Yealink']] as const;
      const call = life.call(MASKED, { [HIDDEN]: answers, bob: answers }, { headers });
      const called = await call.callee(HIDDEN);
      await call.talking;
      called.refer('direct-bob');
      await call.callee('bob');
      await sleep(300);
      call.caller.bye();
      const { trace } = await call.finish();
      expect(leaks(trace, 'caller', [HIDDEN])).toEqual([]);
      expect(leaks(trace, 'called', [HIDDEN], 'bob')).toEqual([]);
    },
  },
  {
    name: '1 withheld: the request says so, and presents anonymous',
    async run(life) {
      const more = { ...ANONYMOUS, headers: WITHHELD, byeAt: 100 };
      const call = life.call({ dial: gw('777') }, { '777': answers }, more);
      const { notice } = await call.finish();
      expect(call.requests()[0]).toMatchObject({
        caller_id_number: 'anonymous',
        caller_id_name: 'Anonymous',
        caller_id_withheld: true,
        asserted_number: '+493012345678',
      });
      expect(notice).toMatchObject({ caller_id_number: 'anonymous' });
    },
  },
  ...[
    ['Privacy: id', WITHHELD],
    ['Privacy: user;id', [WITHHELD[0], ['Privacy', 'user;id']]],
    [
      'Remote-Party-ID with privacy=full',
      [['Remote-Party-ID', '<sip:+493012345678@127.0.0.1>;party=calling;privacy=full']],
    ],
  ].map(
    ([what, headers]): LifeCase => ({
      name: `1 withheld: the called party is not shown a number withheld by ${what}`,
      async run(life) {
        const more = { ...ANONYMOUS, headers: headers as [], byeAt: 100 };
        const { trace } = await life.call({ dial: gw('777') }, { '777': answers }, more).finish();
        expect(leaks(trace, 'called', ['493012345678'])).toEqual([]);
      },
    }),
  ),
  {
    name: '1 withheld: a number that the decision chooses is shown instead',
    async run(life) {
      const more = { ...ANONYMOUS, headers: WITHHELD, byeAt: 100 };
      const { trace, invites } = await life
        .call({ caller_id: { number: SHOWN }, dial: gw('777') }, { '777': answers }, more)
        .finish();
      expect(leaks(trace, 'called', ['493012345678'])).toEqual([]);
      expect(invites).toMatchObject([{ callerNumber: SHOWN }]);
    },
  },
  {
    name: '1 caller_id and callee_id: each side is shown what the decision says',
    async run(life) {
      const decision = {
        caller_id: { number: '4000', name: 'Shop' },
        callee_id: { number: '4001' },
        dial: gw(HIDDEN),
      };
      const { trace } = await life.call(decision, { [HIDDEN]: answers }, { byeAt: 100 }).finish();
      expectMasked({ trace });
      expect(headersTo(trace, 'called', 'From')[0]).toMatch(/^"Shop" <sip:4000@/);
      expect(headersTo(trace, 'caller', 'Remote-Party-ID')[0]).toContain('4001');
    },
  },
  {
    name: '1 caller_id: privacy full withholds the number of a caller that presents it',
    async run(life) {
      const decision = { caller_id: { privacy: 'full' }, dial: gw(HIDDEN) };
      const { trace } = await life.call(decision, { [HIDDEN]: answers }, { byeAt: 100 }).finish();
      expect(leaks(trace, 'called', [CALLER])).toEqual([]);
    },
  },
  {
    name: '1 pass_headers: true passes X- headers of the caller on',
    async run(life) {
      const headers = [['X-Order', 'A-17']] as const;
      const decision = { pass_headers: true, dial: gw('777') };
      const { trace } = await life.call(decision, { '777': answers }, { byeAt: 100, headers }).finish();
      expect(headersTo(trace, 'called', 'X-Order')[0]).toBe('A-17');
    },
  },
  ...[
    ['effective_caller_id_number', '95588', /caller_id/],
    ['sip_copy_custom_headers', 'true', /pass_headers/],
    ['ignore_display_updates', 'false', /callee_id/],
  ].map(
    ([name, value, remedy]): LifeCase => ({
      name: `1 variables: ${name} is refused with the field that has the effect`,
      async run(life) {
        const decision = { variables: { [name as string]: value }, dial: gw('777') };
        const { result, error } = await life.call(decision, { '777': answers }, { byeAt: 100 }).finish();
        expect(result).toBe('invalid_decision');
        expect(error).toMatch(remedy as RegExp);
      },
    }),
  ),
];
