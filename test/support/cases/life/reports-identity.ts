import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { headersTo, leaks, requestsTo } from '#test/support/freeswitch/sip-trace.ts';
import { until } from '#test/support/until.ts';
import type { LifeCase } from './case.ts';
import { answers, CALLER, gw, gw2, HIDDEN, refuses, rings, SHOWN, tried, triedLeg } from './harness.ts';

const ASSERTED = '+493012345678';
const PAI = ['P-Asserted-Identity', `<sip:${ASSERTED}@127.0.0.1>`] as const;
const LOOP = { type: 'dialstring', dialstring: 'loopback/7888/default' };

/** Stories of public reports about identities, redirects and transfers; each names the report that it comes from. */
export const REPORTS_OF_IDENTITY: readonly LifeCase[] = [
  ...(
    [
      ['user', [['Privacy', 'user']]],
      ['header', [['Privacy', 'header']]],
      [
        'id after a header without it',
        [
          ['Privacy', 'critical'],
          ['Privacy', 'id'],
        ],
      ],
      ['session;critical;id', [['Privacy', 'session;critical;id']]],
      ['full', [['Privacy', 'full']]],
    ] as const
  ).map(
    ([what, headers]): LifeCase => ({
      name: `report selvakn/gsm-sip-bridge#70: Privacy: ${what} withholds the number in From`,
      async run(life) {
        const call = life.call(
          { dial: gw('777') },
          { '777': answers },
          { byeAt: 100, headers: [PAI, ...headers] },
        );
        const { trace } = await call.finish();
        expect(call.requests()).toMatchObject([{ caller_id_number: 'anonymous', caller_id_withheld: true }]);
        expect(leaks(trace, 'called', [ASSERTED, CALLER])).toEqual([]);
      },
    }),
  ),
  ...['none', 'history'].map(
    (value): LifeCase => ({
      name: `report siphon-project/siphon-sip#199: Privacy: ${value} withholds nothing`,
      async run(life) {
        const headers = [PAI, ['Privacy', value]] as const;
        const call = life.call({ dial: gw('777') }, { '777': answers }, { byeAt: 100, headers });
        const { invites } = await call.finish();
        expect(call.requests()).toMatchObject([{ caller_id_number: CALLER, caller_id_withheld: false }]);
        expect(invites).toMatchObject([{ callerNumber: CALLER }]);
      },
    }),
  ),
  ...['full', 'name', 'uri', 'yes'].map(
    (privacy): LifeCase => ({
      name: `report 2600hz/kazoo-configs-kamailio#170: Remote-Party-ID with privacy=${privacy}`,
      async run(life) {
        const headers = [
          ['Remote-Party-ID', `"Alice" <sip:${ASSERTED}@127.0.0.1>;party=calling;privacy=${privacy}`],
        ] as const;
        const call = life.call({ dial: gw('777') }, { '777': answers }, { byeAt: 100, headers });
        const { trace } = await call.finish();
        expect(call.requests()).toMatchObject([{ caller_id_withheld: true }]);
        expect(leaks(trace, 'called', [ASSERTED, CALLER, 'Alice'])).toEqual([]);
      },
    }),
  ),
  {
    name: 'report 2600hz/kazoo#6376: of two phones that ring at once only one is shown a number',
    async run(life) {
      const dialstring = `[origination_caller_id_number=${SHOWN}]sofia/gateway/gw/777,sofia/gateway/gw2/778`;
      const headers = [PAI, ['Privacy', 'id']] as const;
      const call = life.call(
        { strategy: 'simultaneous', dial: { type: 'dialstring', dialstring } },
        { '777': rings, '778': answers },
        { headers, byeAt: 100, caller: { number: 'anonymous', name: 'Anonymous' } },
      );
      const { trace } = await call.finish();
      expect(headersTo(trace, 'called', 'From', '777')[0]).toContain(`sip:${SHOWN}@`);
      expect(headersTo(trace, 'called', 'From', '778')[0]).toContain('sip:anonymous@');
      expect(leaks(trace, 'called', [ASSERTED])).toEqual([]);
    },
  },
  {
    name: 'report signalwire/freeswitch#3068: each of two phones that ring at once has its own ring time',
    async run(life) {
      const decision = {
        strategy: 'simultaneous',
        dial: [gw('777', { timeout: 1 }), gw2('778', { timeout: 3 })],
      };
      const call = life.call(decision, { '777': rings, '778': rings }, { cancelAt: 15_000 });
      const { notice } = await call.finish();
      expect(notice).toMatchObject({ cause: 'NO_ANSWER' });
      const [first, second] = [triedLeg(notice, 0), triedLeg(notice, 1)];
      expect([first['cause'], second['cause']]).toEqual(['NO_ANSWER', 'NO_ANSWER']);
      expect(first['ring_ms']).toBeLessThan(2700);
      expect(second['ring_ms']).toBeGreaterThanOrEqual(2900);
      expect(second['ring_ms']).toBeLessThan(5000);
    },
  },
  {
    name: 'report fusionpbx/fusionpbx#1181: a loopback in a ring group does not stop the other phone',
    onlyFreeSwitch: 'the simulator has no channels of type loopback',
    async run(life) {
      const decision = { strategy: 'simultaneous', dial: [LOOP, gw('778')] };
      const callees = { '7888': { mediaAt: 20 }, '778': { ringAt: 20, answerAt: 1000 } };
      const { status, notice } = await life
        .call(decision, callees, { byeAt: 100, cancelAt: 10_000 })
        .finish();
      expect(status).toBe(200);
      expect(tried(notice)).toContainEqual(['778', 'NONE']);
    },
  },
  {
    name: 'report signalwire/freeswitch#246: a phone that forwards to its own address does not loop',
    async run(life) {
      const call = life.call(
        { dial: [{ type: 'user', user: '1000', number: '777' }, gw2('778')] },
        { '777': { steps: [{ at: 20, status: 302 }] }, '778': answers },
        { byeAt: 100 },
      );
      const { invites } = await call.finish();
      expect(invites.map(({ number }) => number)).toEqual(['777', '778']);
      expect(call.requests()).toHaveLength(1);
    },
  },
  {
    name: 'report hnimminh/libresbc#118: of several contacts of a redirect the preferred one counts',
    onlyFreeSwitch: 'the simulator reads one contact of a redirect',
    async run(life) {
      const contact = 'sip:first@10.0.0.1>;q=0.5, <sip:second@10.0.0.2>;q=0.98, <sip:third@10.0.0.3';
      const steps = [{ at: 20, status: 300, contact }];
      const { notice } = await life.call({ dial: gw('777') }, { '777': { steps } }).finish();
      expect(triedLeg(notice, 0)).toMatchObject({ sip_status: 300, redirect_to: 'sip:third@10.0.0.3' });
    },
  },
  {
    name: 'report team-telnyx/freeswitch#674: the caller hangs up while the target of a transfer rings',
    async run(life) {
      const call = life.call(({ destination_number: n }) => ({ dial: n === SHOWN ? gw('777') : gw2(n) }), {
        '777': answers,
        '888': rings,
      });
      const called = await call.callee('777');
      await call.talking;
      called.refer('888');
      await until(
        '888 rings',
        () => requestsTo(call.trace, 'called').filter((name) => name === 'INVITE').length === 2,
      );
      await sleep(300);
      call.caller.bye();
      const { notice } = await call.finish();
      expect(requestsTo(call.trace, 'called')).toContain('CANCEL');
      expect(notice).toMatchObject({ hangup_by: 'caller', cause: 'NORMAL_CLEARING' });
      expect(tried(notice).at(-1)?.[0]).toBe('888');
      expect(call.notified().filter(({ action }) => action === 'hangup')).toHaveLength(1);
    },
  },
  {
    name: 'report GlomarGadaffi/pocket-dial#204: the target of a transfer cannot be reached',
    async run(life) {
      const call = life.call(({ destination_number: n }) => ({ dial: n === SHOWN ? gw('777') : gw2(n) }), {
        '777': answers,
        '888': refuses(404),
      });
      const called = await call.callee('777');
      await call.talking;
      called.refer('888');
      const { notice } = await call.finish();
      expect(notice).toMatchObject({ cause: 'UNALLOCATED_NUMBER', hangup_by: 'callee' });
      expect(tried(notice)).toEqual([
        ['777', 'NONE'],
        ['888', 'UNALLOCATED_NUMBER'],
      ]);
    },
  },
  {
    name: 'report fusionpbx/fusionpbx#1209: a pickup during early media',
    async run(life) {
      const call = life.call({ dial: gw('777') }, { '777': { mediaAt: 20 } });
      await until('early media', () => call.caller.statuses.includes(183));
      const picker = life.place(
        {},
        { destination: `pickup-${call.uuid}`, caller: { number: '1001', name: 'Picker' } },
      );
      await call.caller.answered;
      await sleep(500);
      call.caller.bye();
      const { notice } = await call.finish();
      await picker.ended;
      expect(await call.notification('answer')).toMatchObject({ called_number: '1001' });
      expect(notice).toMatchObject({ caller_id_number: CALLER, destination_number: SHOWN });
      expect(headersTo(call.trace, 'called', 'Reason').join()).toContain('Call completed elsewhere');
    },
  },
  {
    name: 'report NethServer/dev#8055: the caller transfers the called party, which is the caller of the new call',
    async run(life) {
      const call = life.call(
        ({ destination_number: n }) => (n === SHOWN ? { dial: gw('777') } : { dial: gw2(n) }),
        { '777': answers, '888': answers },
      );
      const called = await call.callee('777');
      await call.talking;
      call.caller.refer('888');
      await call.callee('888');
      await sleep(300);
      called.bye();
      const { trace } = await call.finish();
      const second = life.cluster.requests[1];
      expect(second).toMatchObject({ reason: 'transfer', destination_number: '888' });
      expect(second?.caller_id_number).not.toBe(CALLER);
      expect(leaks(trace, 'called', [CALLER], '888')).toEqual([]);
      expect(headersTo(trace, 'called', 'From', '888')[0]).toContain(`sip:${second?.caller_id_number}@`);
    },
  },
  {
    name: 'report 64characters/Telephone#709: the CANCEL of a phone that lost the race says that another one answered',
    async run(life) {
      const decision = { strategy: 'simultaneous', dial: [gw('777'), gw2('778')] };
      const call = life.call(
        decision,
        { '777': rings, '778': { ringAt: 20, answerAt: 300 } },
        { byeAt: 100 },
      );
      const { trace } = await call.finish();
      expect(headersTo(trace, 'called', 'Reason', '777').join()).toContain('SIP;cause=200');
      expect(leaks(trace, 'called', [HIDDEN])).toEqual([]);
    },
  },
];
