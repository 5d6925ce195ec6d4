import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { leaks } from '#test/support/freeswitch/sip-trace.ts';
import type { LifeCase } from './case.ts';
import { answers, CALLER, gw, gw2, type LifeCall, type LifeHarness, refuses } from './harness.ts';
import type { LifeScript } from './node.ts';

const TENANT_A = {
  variables: {
    origination_caller_id_number: '4000',
    origination_caller_id_name: 'Shop A',
    'sip_h_X-Tenant': 'A',
  },
};
const SECRETS = ['4000', 'Shop A', 'X-Tenant'];

async function connected(
  life: LifeHarness,
  number: string,
  more: object = {},
  script: Partial<LifeScript> = {},
): Promise<LifeCall> {
  const call = life.call(
    ({ destination_number }) =>
      destination_number === number ? { dial: gw2(number) } : { ...TENANT_A, ...more, dial: gw('777') },
    { '777': answers, [number]: answers, bob: answers },
    script,
  );
  await call.callee('777');
  await call.talking;
  return call;
}

async function endOf(call: LifeCall, number: string) {
  await call.callee(number);
  await sleep(200);
  call.caller.bye();
  return call.finish();
}

export const SETTINGS: readonly LifeCase[] = [
  {
    name: '4 settings: a blind transfer to a number with another decision takes none along',
    async run(life) {
      const call = await connected(life, '888');
      (await call.callee('777')).refer('888');
      const { trace } = await endOf(call, '888');
      expect(leaks(trace, 'called', SECRETS, '888')).toEqual([]);
    },
  },
  {
    name: '4 settings: a blind transfer to an extension without Dialhook takes none along',
    async run(life) {
      const call = await connected(life, '888');
      (await call.callee('777')).refer('direct-bob');
      const { trace } = await endOf(call, 'bob');
      expect(leaks(trace, 'called', SECRETS, 'bob')).toEqual([]);
      expect(leaks(trace, 'called', [CALLER], 'bob')).not.toEqual([]);
    },
  },
  {
    name: '4 settings: of the caller leg end with a blind transfer to an extension without Dialhook',
    async run(life) {
      const call = await connected(life, '888', {}, { headers: [['X-Account', 'account-42']] });
      (await call.callee('777')).refer('direct-bob');
      const { trace } = await endOf(call, 'bob');
      // FreeSWITCH copies headers of the caller, unless a decision has set sip_copy_custom_headers.
      expect(leaks(trace, 'called', ['account-42'], '777')).toEqual([]);
      expect(leaks(trace, 'called', ['account-42'], 'bob')).not.toEqual([]);
    },
  },
  {
    name: '4 settings: a transfer over the event socket takes none along',
    async run(life) {
      const call = await connected(life, '888');
      await life.freeswitch.api(`uuid_transfer ${call.uuid} direct-bob XML default`);
      const { trace } = await endOf(call, 'bob');
      expect(leaks(trace, 'called', SECRETS, 'bob')).toEqual([]);
    },
  },
  {
    name: '4 settings: a blind transfer by the caller takes none along',
    async run(life) {
      const call = await connected(life, '888');
      const called = await call.callee('777');
      call.caller.refer('direct-bob');
      await call.callee('bob');
      await sleep(300);
      called.bye();
      const { trace } = await call.finish();
      expect(leaks(trace, 'called', SECRETS, 'bob')).toEqual([]);
    },
  },
  {
    name: '4 settings: originate_timeout of the first decision does not cut the ringing after a transfer',
    async run(life) {
      const call = life.call(
        ({ destination_number }) =>
          destination_number === '888'
            ? { dial: gw2('888') }
            : { variables: { originate_timeout: 2 }, dial: gw('777') },
        { '777': answers, '888': { ringAt: 20, answerAt: 4500 } },
      );
      const called = await call.callee('777');
      await call.talking;
      called.refer('888');
      const { invites } = await endOf(call, '888');
      expect(invites.map(({ number }) => number)).toEqual(['777', '888']);
    },
  },
  {
    name: '4 settings: the next decision of on_fail starts without those of the first',
    async run(life) {
      const call = life.call(
        ({ attempt }) =>
          attempt === 1 ? { ...TENANT_A, dial: gw('777'), on_fail: 'request' } : { dial: gw2('888') },
        { '777': refuses(486), '888': answers },
        { byeAt: 100 },
      );
      const { trace } = await call.finish();
      expect(leaks(trace, 'called', SECRETS, '777')).not.toEqual([]);
      expect(leaks(trace, 'called', SECRETS, '888')).toEqual([]);
    },
  },
  {
    name: '4 settings: a second transfer takes none of the first or second decision along',
    async run(life) {
      const call = await connected(life, '888');
      (await call.callee('777')).refer('888');
      const second = await call.callee('888');
      await sleep(300);
      second.refer('direct-bob');
      const { trace } = await endOf(call, 'bob');
      expect(leaks(trace, 'called', SECRETS, 'bob')).toEqual([]);
    },
  },
];
