import { expect } from 'vitest';
import { headersTo } from '#test/support/freeswitch/sip-trace.ts';
import { until } from '#test/support/until.ts';
import type { LifeCase } from './case.ts';
import { answers, gw, gw2, SHOWN } from './harness.ts';
import { NO_MEDIA } from './media.ts';

/** FreeSWITCH cuts a name at `:`, `/` and `@`, and decodes what follows a percent sign. */
const NAMES = ['Sales: Ann', 'Sales/Ann', 'ann@sales', '100% effort', 'a%41%22b', '50%'];

/** Numbers in From as FreeSWITCH decodes them, and what the called party is shown. */
const NUMBERS = [
  ['q\n', 'q'],
  ['139\r\nX-Evil: 1', '139X-Evil1'],
  ['139>x', '139x'],
  ['139 q', '139q'],
  ['%{x}', 'x'],
] as const;

const shown = (name: string) => `"${name}" <sip:`;

export const DISPLAY_NAMES: readonly LifeCase[] = [
  ...NAMES.map(
    (name): LifeCase => ({
      name: `1 names: each party is shown the name of the decision: ${name}`,
      async run(life) {
        const decision = { caller_id: { name }, callee_id: { name }, dial: gw('777') };
        const { trace } = await life.call(decision, { '777': answers }, { byeAt: 100 }).finish();
        expect(headersTo(trace, 'called', 'From')[0]).toContain(shown(name));
        for (const header of headersTo(trace, 'called', 'Remote-Party-ID'))
          expect(header).toContain(shown(name));
        const toCaller = headersTo(trace, 'caller', 'Remote-Party-ID');
        expect(toCaller).not.toEqual([]);
        for (const header of toCaller) expect(header).toContain(shown(name));
      },
    }),
  ),
  ...NAMES.filter((name) => !name.includes('%')).map(
    (name): LifeCase => ({
      name: `1 names: the called party is shown the name that the caller presents: ${name}`,
      async run(life) {
        const caller = { number: '1001', name };
        const call = life.call({ dial: gw('777') }, { '777': answers }, { byeAt: 100, caller });
        const { trace } = await call.finish();
        expect(call.requests()).toMatchObject([{ caller_id_name: name }]);
        expect(headersTo(trace, 'called', 'From')[0]).toContain(shown(name));
      },
    }),
  ),
  ...NUMBERS.map(
    ([number, user]): LifeCase => ({
      name: `1 names: a number that is no user part of a URI changes no header: ${JSON.stringify(number)}`,
      onlyFreeSwitch: 'the simulator does not decode the user part of From',
      async run(life) {
        const caller = { number, name: 'x' };
        const call = life.call({ dial: gw('777') }, { '777': answers }, { byeAt: 100, caller });
        const { trace } = await call.finish();
        expect(call.requests()).toMatchObject([{ caller_id_number: number }]);
        for (const name of ['From', 'Remote-Party-ID'])
          for (const value of headersTo(trace, 'called', name))
            expect([name, value]).toEqual([name, expect.stringContaining(`<sip:${user}@`)]);
        for (const { text, side, byParty } of trace)
          if (side === 'called' && !byParty)
            expect(text.replaceAll('\r\n', '')).not.toMatch(/[\r\n]|X-Evil:/);
      },
    }),
  ),
  {
    name: '1 names: a called party that the caller transfers keeps its name',
    async run(life) {
      const call = life.call(
        ({ destination_number: number }) =>
          number === SHOWN
            ? { callee_id: { number: '4000', name: 'Sales: 100%' }, dial: gw('777') }
            : { dial: gw2(number) },
        { '777': answers, '888': answers },
      );
      const called = await call.callee('777');
      await call.talking;
      call.caller.refer('888');
      await call.callee('888');
      await until('the new call is requested', () => life.cluster.requests.length === 2);
      called.bye();
      const { trace } = await call.finish();
      expect(life.cluster.requests[1]).toMatchObject({
        ...{ reason: 'transfer', caller_id_number: '4000', caller_id_name: 'Sales: 100%' },
      });
      expect(headersTo(trace, 'called', 'From', '888')[0]).toContain(shown('Sales: 100%'));
    },
  },
  {
    name: '1 names: the ringback of FreeSWITCH shows callee_id too',
    onlyFreeSwitch: NO_MEDIA,
    async run(life) {
      const callee_id = { number: '4000', name: 'Sales' };
      const decision = { ringback: 'melody', callee_id, dial: gw('777') };
      const callees = { '777': { ringAt: 500, answerAt: 800 } };
      const { trace, statuses } = await life.call(decision, callees, { byeAt: 100 }).finish();
      expect(statuses).toContain(183);
      const toCaller = headersTo(trace, 'caller', 'Remote-Party-ID');
      expect(toCaller).not.toEqual([]);
      for (const header of toCaller) expect(header).toContain('"Sales" <sip:4000@');
    },
  },
  {
    name: '1 names: privacy id asserts the whole name',
    async run(life) {
      const decision = { caller_id: { name: 'Sales: Ann 100%', privacy: 'id' }, dial: gw('777') };
      const { trace } = await life.call(decision, { '777': answers }, { byeAt: 100 }).finish();
      expect(headersTo(trace, 'called', 'P-Asserted-Identity')[0]).toContain(shown('Sales: Ann 100%'));
    },
  },
];
