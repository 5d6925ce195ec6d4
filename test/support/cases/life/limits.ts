import { expect } from 'vitest';
import { until } from '#test/support/until.ts';
import type { LifeCase } from './case.ts';
import { answers, gw, gw2, type LifeHarness, type Notified, refuses, rings, tried } from './harness.ts';

/** A limit of its own for each case, since all cases share a cluster. */
let limits = 0;
const oneAtOnce = () => ({ limit: [{ id: `case-${process.pid}-${limits++}`, max: 1 }] });

const small = (number: string, more: object = {}) => ({ ...gw(number, more), gateway: 'small' });

/** A short call through the gateway with one place: its status says whether the place was free. */
const callThroughSmall = (life: LifeHarness) =>
  life.call({ dial: small('778') }, { '778': answers }, { byeAt: 50 }).finish();

const limitsOf = (notice: Notified) =>
  (notice['tried'] as readonly { limit?: string }[]).map(({ limit }) => limit);

/** Places a call that stays up, connected with 777. */
async function connected(life: LifeHarness, decision: object) {
  const call = life.call(decision, { '777': answers, '778': answers });
  await call.callee('777');
  await call.talking;
  return call;
}

export const LIMITS: readonly LifeCase[] = [
  {
    name: 'limit: the caller beyond calls at once gets SIP 503, and the next one is let in when a call has ended',
    async run(life) {
      const decision = { ...oneAtOnce(), dial: gw('777') };
      const first = await connected(life, decision);
      const second = await life.place({}).finish();
      expect(second.invites).toEqual([]);
      expect(second.status).toBe(503);
      expect(second.notice).toMatchObject({
        cause: 'NORMAL_CIRCUIT_CONGESTION',
        hangup_by: 'freeswitch',
        result: 'decided',
      });
      expect(tried(second.notice)).toEqual([['777', 'LIMIT_EXCEEDED']]);
      expect(limitsOf(second.notice)).toEqual([`id:${decision.limit[0]?.id}`]);
      first.caller.bye();
      await first.finish();
      const third = await life.place({ '777': answers }, { byeAt: 50 }).finish();
      expect(third.status).toBe(200);
      expect(tried(third.notice)).toEqual([['777', 'NONE']]);
    },
  },
  {
    name: 'limit: on_fail request sends another request when a limit is reached, with the targets in tried',
    async run(life) {
      const limited = { ...oneAtOnce(), dial: [gw('777'), gw2('779')], on_fail: 'request' };
      const first = await connected(life, limited);
      const second = life.call(
        ({ attempt }) => (attempt === 1 ? limited : { dial: gw2('778') }),
        { '778': answers },
        { byeAt: 50 },
      );
      const { notice, status } = await second.finish();
      expect(status).toBe(200);
      const [, request] = second.requests();
      expect(request).toMatchObject({ reason: 'failed', attempt: 2 });
      const skipped = [
        ['777', 'LIMIT_EXCEEDED'],
        ['779', 'LIMIT_EXCEEDED'],
      ];
      expect(request && tried(request)).toEqual(skipped);
      expect(tried(notice)).toEqual([...skipped, ['778', 'NONE']]);
      first.caller.bye();
      await first.finish();
    },
  },
  {
    name: 'limit: a call whose targets fail, and one whose caller cancels, leave their place',
    async run(life) {
      const decision = { ...oneAtOnce(), dial: gw('777') };
      const busy = await life.call(decision, { '777': refuses(486) }).finish();
      expect(busy.status).toBe(486);
      const cancelled = life.place({ '777': rings });
      await cancelled.notification('ring');
      cancelled.caller.cancel();
      expect(tried((await cancelled.finish()).notice)).toEqual([['777', 'ORIGINATOR_CANCEL']]);
      const third = await life.place({ '777': answers }, { byeAt: 50 }).finish();
      expect(third.status).toBe(200);
    },
  },
  {
    name: 'limit: the place of a call is kept through a second decision of the same call',
    async run(life) {
      const limit = oneAtOnce();
      const call = life.call(
        ({ attempt }) =>
          attempt === 1 ? { ...limit, dial: gw('777'), on_fail: 'request' } : { ...limit, dial: gw2('778') },
        { '777': refuses(486), '778': answers },
      );
      await call.callee('778');
      await call.talking;
      const second = await life.call({ ...limit, dial: gw('777') }, {}).finish();
      expect(second.status).toBe(503);
      call.caller.bye();
      await call.finish();
    },
  },
  {
    name: 'limits of gateways: a full gateway is skipped to the next target, with its own cause in tried',
    alone: true,
    async run(life) {
      const first = await connected(life, { dial: small('777') });
      const { notice, invites, status } = await life
        .call({ dial: [small('779'), gw2('778')] }, { '778': answers }, { byeAt: 50 })
        .finish();
      expect(status).toBe(200);
      expect(invites.map(({ number }) => number)).toEqual(['778']);
      expect(tried(notice)).toEqual([
        ['779', 'LIMIT_EXCEEDED'],
        ['778', 'NONE'],
      ]);
      expect(limitsOf(notice)).toEqual(['gw:small', undefined]);
      const only = await life.call({ dial: small('779') }, {}).finish();
      expect(only.status).toBe(503);
      first.caller.bye();
      await first.finish();
    },
  },
  ...(
    [
      ['a gateway that has failed', [small('779'), gw('777')]],
      ['a gateway that was not dialled', [gw('777'), small('779')]],
    ] as const
  ).map(
    ([what, dial]): LifeCase => ({
      name: `limits of gateways: ${what} is free while another target talks`,
      alone: true,
      async run(life) {
        const first = life.call({ dial }, { '779': refuses(503), '777': answers });
        await first.callee('777');
        await first.talking;
        await first.notification('answer');
        const second = await callThroughSmall(life);
        expect(second.status).toBe(200);
        first.caller.bye();
        await first.finish();
      },
    }),
  ),
  {
    name: 'limits of gateways: of two phones that ring at once through a gateway with one place, one rings',
    alone: true,
    async run(life) {
      const decision = { strategy: 'simultaneous', dial: [small('777'), small('778'), gw('779')] };
      const { notice, invites } = await life
        .call(decision, { '777': rings, '779': answers }, { byeAt: 50 })
        .finish();
      expect(invites.map(({ number }) => number).toSorted()).toEqual(['777', '779']);
      expect(Object.fromEntries(tried(notice))).toEqual({
        '777': 'LOSE_RACE',
        '778': 'LIMIT_EXCEEDED',
        '779': 'NONE',
      });
    },
  },
  {
    name: 'limits of gateways: a called party that the caller transfers keeps its place',
    alone: true,
    async run(life) {
      const call = life.call(
        ({ destination_number }) =>
          destination_number === '888' ? { dial: gw2('888') } : { dial: small('777') },
        { '777': answers, '888': answers },
      );
      const called = await call.callee('777');
      await call.talking;
      call.caller.refer('888');
      await call.callee('888');
      await call.notification('hangup');
      const during = await callThroughSmall(life);
      expect(during.status).toBe(503);
      called.bye();
      await call.finish();
      await until('the place is free', async () => {
        const after = await callThroughSmall(life);
        return after.status === 200;
      });
    },
  },
  {
    name: 'limits of gateways: a called party that is transferred with its caller keeps its place',
    alone: true,
    onlyFreeSwitch: 'the simulator transfers the caller leg only',
    async run(life) {
      const call = life.call(
        ({ destination_number }) =>
          destination_number === '888' ? { dial: gw2('888') } : { dial: small('777') },
        { '777': answers, '888': answers },
      );
      const called = await call.callee('777');
      await call.talking;
      await life.freeswitch.api(`uuid_transfer ${call.uuid} -both 888 XML default`);
      await until(
        'both talk again',
        () => call.notified().filter(({ action }) => action === 'answer').length === 2,
      );
      const during = await callThroughSmall(life);
      expect(during.status).toBe(503);
      called.bye();
      call.caller.bye();
      await call.finish();
      await until('the place is free', async () => {
        const after = await callThroughSmall(life);
        return after.status === 200;
      });
    },
  },
];
