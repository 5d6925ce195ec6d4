import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { EndpointRequest } from '#libs/contract/endpoint.ts';
import { requestsTo } from '#test/support/freeswitch/sip-trace.ts';
import { until } from '#test/support/until.ts';
import type { LifeCase } from './case.ts';
import { answers, gw, type LifeCall, type LifeHarness, refuses, tried } from './harness.ts';
import { heardDuring, NO_MEDIA } from './media.ts';

/** Collects first; then dials the digits, or hangs up without any. */
const extension =
  (collect: object = {}, then: object = {}) =>
  ({ reason, digits }: EndpointRequest) => {
    if (reason !== 'digits') return { collect: { max: 4, timeout: 2, ...collect } };
    return digits ? { dial: gw(digits), ...then } : { dial: { type: 'hangup', cause: 1 } };
  };

/** The caller types while FreeSWITCH collects: earlier digits do not count. */
async function type(
  { freeswitch }: LifeHarness,
  call: LifeCall,
  digits: string,
  status = 200,
): Promise<void> {
  await until(`the caller has ${status}`, () => call.caller.statuses.includes(status));
  const runs = () => freeswitch.api(`uuid_getvar ${call.uuid} current_application`);
  await until('digits are collected', async () => (await runs()) === 'read');
  await sleep(300);
  await call.caller.dtmf(digits);
}

/** The requests of the call, each once: a hedged one can come twice, with the same webhook-id. */
const requestsOf = (call: LifeCall): readonly EndpointRequest[] => [
  ...new Map(call.requests().map((request) => [request.attempt, request])).values(),
];

const asked = (call: LifeCall) =>
  requestsOf(call).map(({ reason, attempt, digits, digits_end }) => [reason, attempt, digits, digits_end]);

const FIRST = ['new', 1, undefined, undefined];

/** The caller types, and the endpoint gets these digits. */
const typed = (
  name: string,
  { collect = {}, types = '', expected }: { collect?: object; types?: string; expected: [string, string] },
): LifeCase => ({
  name: `collect: ${name}`,
  async run(life: LifeHarness) {
    const call = life.call(
      ({ reason }: EndpointRequest) =>
        reason === 'digits'
          ? { dial: { type: 'hangup', cause: 1 } }
          : { collect: { max: 4, timeout: 1, ...collect } },
      {},
    );
    if (types !== '') await type(life, call, types);
    const { notice } = await call.finish();
    expect(asked(call)).toEqual([FIRST, ['digits', 2, ...expected]]);
    expect(notice).toMatchObject({ cause: 'UNALLOCATED_NUMBER', billable_ms: 0, tried: [] });
  },
});

export const COLLECT: readonly LifeCase[] = [
  {
    name: 'collect: the caller types an extension and is connected; the prompt is no talk time',
    async run(life) {
      const call = life.call(extension({ play: 'long-beep' }), { '1234': answers }, { destination: 'AXE' });
      await type(life, call, '1234');
      const called = await call.callee('1234');
      await sleep(500);
      called.bye();
      const { notice, statuses, result } = await call.finish();
      expect(asked(call)).toEqual([FIRST, ['digits', 2, '1234', 'max']]);
      expect([statuses, result]).toEqual([[100, 200], 'decided']);
      expect(tried(notice)).toEqual([['1234', 'NONE']]);
      expect(notice).toMatchObject({ hangup_by: 'callee', destination_number: 'AXE' });
      expect(notice['billable_ms']).toBeLessThan(Number(notice['duration_ms']) - 400);
      expect(call.notified().map(({ action }) => action)).toEqual(['ring', 'answer', 'hangup']);
    },
  },
  typed('a terminator ends it', { types: '12#', expected: ['12', 'terminator'] }),
  typed('other terminators', {
    collect: { terminators: '*' },
    types: '#1*',
    expected: ['#1', 'terminator'],
  }),
  typed('no terminator', { collect: { terminators: '' }, types: '*0#D', expected: ['*0#D', 'max'] }),
  typed('time is over after some digits', { types: '12', expected: ['12', 'timeout'] }),
  typed('too few digits', { collect: { min: 3 }, types: '12', expected: ['12', 'timeout'] }),
  typed('no digit', { expected: ['', 'timeout'] }),
  typed('only a terminator', { types: '#', expected: ['', 'terminator'] }),
  typed('a sound that is not listed', {
    collect: { play: 'nowhere' },
    types: '1#',
    expected: ['1', 'terminator'],
  }),
  typed('a sound whose file is missing', {
    collect: { play: 'lost' },
    types: '1#',
    expected: ['1', 'terminator'],
  }),
  {
    name: 'collect: wrong digits, a second collection, and a target that is busy',
    async run(life) {
      const call = life.call(
        ({ attempt, digits = '' }: EndpointRequest) => {
          if (attempt === 1 || digits === '999') return { collect: { min: 3, max: 3, timeout: 2 } };
          return { dial: gw(digits) };
        },
        { '777': refuses(486) },
      );
      await type(life, call, '999');
      await until('the second request', () => requestsOf(call).length === 2);
      await type(life, call, '777');
      const { notice } = await call.finish();
      expect(asked(call)).toEqual([FIRST, ['digits', 2, '999', 'max'], ['digits', 3, '777', 'max']]);
      expect(notice).toMatchObject({ cause: 'USER_BUSY', billable_ms: 0 });
      expect(tried(notice)).toEqual([['777', 'USER_BUSY']]);
    },
  },
  {
    name: 'collect: after a target that failed',
    async run(life) {
      const call = life.call(
        ({ reason, digits = '' }: EndpointRequest) => {
          if (reason === 'new') return { dial: gw('777'), on_fail: 'request', max_duration: 60 };
          return reason === 'failed' ? { collect: { max: 3 } } : { dial: gw(digits) };
        },
        { '777': refuses(486), '888': answers },
      );
      await type(life, call, '888');
      const called = await call.callee('888');
      await call.talking;
      called.bye();
      const { notice } = await call.finish();
      expect(requestsOf(call).map(({ reason }) => reason)).toEqual(['new', 'failed', 'digits']);
      expect(tried(requestsOf(call)[2] as EndpointRequest)).toEqual([['777', 'USER_BUSY']]);
      expect(notice['cause']).toBe('NORMAL_CLEARING');
    },
  },
  {
    name: 'collect: as early media the caller is not answered before the called party',
    async run(life) {
      const call = life.call(extension({ answer: false }), { '1234': answers });
      await type(life, call, '1234', 183);
      const called = await call.callee('1234');
      await call.talking;
      called.bye();
      expect((await call.finish()).statuses).toEqual([100, 183, 200]);
    },
  },
  {
    name: 'collect: the caller hangs up meanwhile',
    async run(life) {
      const call = life.call(extension(), {}, { byeAt: 300 });
      const { notice } = await call.finish();
      expect(asked(call)).toEqual([FIRST]);
      expect(notice).toMatchObject({ cause: 'NORMAL_CLEARING', hangup_by: 'caller', billable_ms: 0 });
    },
  },
  {
    name: 'collect: the endpoint does not decide after the digits',
    async run(life) {
      const call = life.call(
        ({ reason }: EndpointRequest) => (reason === 'new' ? { collect: { max: 1 } } : { dial: 'nowhere' }),
        {},
      );
      await type(life, call, '1');
      const { notice, result } = await call.finish();
      expect([result, notice['cause']]).toEqual(['invalid_decision', 'NORMAL_TEMPORARY_FAILURE']);
      expect(requestsTo(call.trace, 'caller')).toContain('BYE');
    },
  },
  {
    name: 'collect: the last request cannot collect',
    async run(life) {
      const call = life.call(() => ({ collect: { timeout: 1 } }), {});
      const { notice, result, error } = await call.finish();
      expect(requestsOf(call)).toHaveLength(5);
      expect([result, notice['cause']]).toEqual(['too_many_requests', 'NORMAL_TEMPORARY_FAILURE']);
      expect(error).toContain('MAX_REQUESTS_PER_CALL');
    },
  },
  {
    name: 'collect: data and notify hold for later messages, and nothing of it stays after a transfer',
    async run(life) {
      const call = life.call(
        ({ reason, digits = '' }: EndpointRequest) => {
          if (reason === 'new') return { collect: { max: 3 }, data: { n: 1 }, notify: ['hangup'] };
          return { dial: gw(reason === 'digits' ? digits : '888') };
        },
        { '777': answers, '888': answers },
      );
      await type(life, call, '777');
      const called = await call.callee('777');
      await call.talking;
      called.refer('888');
      const second = await call.callee('888');
      await sleep(200);
      second.bye();
      const { notice } = await call.finish();
      expect(requestsOf(call).map(({ reason, digits, data }) => [reason, digits, data])).toEqual([
        ['new', undefined, undefined],
        ['digits', '777', { n: 1 }],
        ['transfer', undefined, { n: 1 }],
      ]);
      expect(notice['data']).toEqual({ n: 1 });
    },
  },
  {
    name: 'collect: the caller hears the prompt until it types',
    onlyFreeSwitch: NO_MEDIA,
    async run(life) {
      const silent = life.call(extension({ play: 'beep', timeout: 1 }), {});
      const whole = await heardDuring(life, () => silent.finish());
      expect(whole.caller).toBeGreaterThan(350);
      expect(whole.caller).toBeLessThan(700);
      const quick = life.call(extension({ play: 'long-beep', max: 1 }), {});
      const cut = await heardDuring(life, async () => {
        await type(life, quick, '1');
        await quick.finish();
      });
      expect(cut.caller).toBeLessThan(1200);
    },
  },
];
