import { expect } from 'vitest';
import { leaks } from '#test/support/freeswitch/sip-trace.ts';
import { until } from '#test/support/until.ts';
import type { LifeCase } from './case.ts';
import {
  answers,
  CALLER,
  gw,
  gw2,
  HIDDEN,
  type LifeHarness,
  refuses,
  rings,
  SHOWN,
  tried,
  triedLeg,
} from './harness.ts';

const OWN = '127.0.0.1';
const to = (contact: string) => ({ redirect: { at: 20, contact } });
/** A contact at FreeSWITCH's own domain and port. */
const own = (life: LifeHarness, number: string): string => `sip:${number}@${OWN}:${life.freeswitch.sipPort}`;
/** A contact at another host. */
const foreign = (life: LifeHarness, number: string): string => `sip:${number}@${life.freeswitch.elsewhere}`;
const LIST = { dial: [gw('777'), gw2('778')] };

export const REDIRECTS: readonly LifeCase[] = [
  {
    name: '5 redirects: 302 to the same number at our own domain does not loop',
    async run(life) {
      const call = life.call({ dial: gw('777') }, { '777': to(own(life, '777')) });
      const { notice, status } = await call.finish();
      expect(call.requests()).toHaveLength(1);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(triedLeg(notice, 0)).toMatchObject({ sip_status: 302, redirect_to: own(life, '777') });
    },
  },
  {
    name: '5 redirects: on_redirect request is bounded by the limit of requests, with an id for each',
    async run(life) {
      const call = life.call({ dial: gw('777'), on_redirect: 'request' }, { '777': to(own(life, '777')) });
      await call.finish();
      const attempts = call.requests().map(({ attempt }) => attempt);
      expect(attempts).toEqual([1, 2, 3, 4, 5]);
      expect(new Set(life.cluster.requestIds).size).toBe(5);
    },
  },
  {
    name: '5 redirects: the next target follows a redirect to our own domain',
    async run(life) {
      const { invites, notice } = await life
        .call(LIST, { '777': to(own(life, '888')), '778': answers }, { byeAt: 100 })
        .finish();
      expect(invites.map(({ number }) => number)).toEqual(['777', '778']);
      expect(triedLeg(notice, 0)).toMatchObject({ sip_status: 302, redirect_to: own(life, '888') });
    },
  },
  {
    name: '5 redirects: the next target follows a redirect to another host, which is not called',
    async run(life) {
      const elsewhere = foreign(life, 'mallory');
      const { invites } = await life
        .call(LIST, { '777': to(elsewhere), '778': answers, mallory: answers }, { byeAt: 100 })
        .finish();
      expect(invites.map(({ number }) => number)).toEqual(['777', '778']);
    },
  },
  {
    name: '5 redirects: a redirect does not cancel the other phone that rings',
    async run(life) {
      const decision = { strategy: 'simultaneous', dial: [gw('777'), gw2('778')] };
      const callees = { '777': to(own(life, '888')), '778': { ringAt: 20, answerAt: 500 } };
      const call = life.call(decision, callees, { byeAt: 100 });
      const { invites, status } = await call.finish();
      expect(status).toBe(200);
      expect(invites.map(({ number }) => number).toSorted()).toEqual(['777', '778']);
      expect(call.requests()).toHaveLength(1);
    },
  },
  {
    name: '5 redirects: to another host with a single target: the call fails, and no other party is called',
    async run(life) {
      const elsewhere = foreign(life, 'mallory');
      const { invites, status, notice } = await life
        .call({ dial: gw('777') }, { '777': to(elsewhere), mallory: answers }, { byeAt: 100 })
        .finish();
      expect(invites.map(({ number }) => number)).toEqual(['777']);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(triedLeg(notice, 0)).toMatchObject({ number: '777', sip_status: 302, redirect_to: elsewhere });
      expect(triedLeg(notice, 0)['cause']).not.toBe('NONE');
    },
  },
  {
    name: '5 redirects: a called party has no way into an extension of the dialplan',
    async run(life) {
      const call = life.call(
        { dial: gw('777') },
        { '777': to(own(life, 'direct-carol')), carol: answers },
        { byeAt: 100 },
      );
      const { invites } = await call.finish();
      expect(invites.map(({ number }) => number)).toEqual(['777']);
    },
  },
  ...[301, 305, 380].map(
    (status): LifeCase => ({
      name: `5 redirects: ${status} is a failure like 302`,
      async run(life) {
        const steps = [{ at: 20, status, contact: own(life, 'direct-carol') }];
        const { invites } = await life
          .call(LIST, { '777': { steps }, '778': answers, carol: answers }, { byeAt: 100 })
          .finish();
        expect(invites.map(({ number }) => number)).toEqual(['777', '778']);
      },
    }),
  ),
  {
    name: '5 redirects: on_redirect request asks the endpoint, with where to',
    async run(life) {
      const call = life.call(
        ({ attempt }) => (attempt === 1 ? { dial: gw('777'), on_redirect: 'request' } : { dial: gw2('888') }),
        { '777': to(own(life, '888')), '888': answers },
        { byeAt: 100 },
      );
      const { invites } = await call.finish();
      expect(invites.map(({ number }) => number)).toEqual(['777', '888']);
      expect(call.requests()[1]).toMatchObject({
        reason: 'redirect',
        attempt: 2,
        redirect_to: own(life, '888'),
      });
    },
  },
  {
    name: '5 redirects: on_redirect request without the address when it contains ${',
    async run(life) {
      const call = life.call(
        ({ attempt }) => (attempt === 1 ? { dial: gw('777'), on_redirect: 'request' } : { dial: gw2('888') }),
        { '777': to('sip:${x}@127.0.0.1'), '888': answers },
        { byeAt: 100 },
      );
      await call.finish();
      const [, second] = call.requests();
      expect(second).toMatchObject({ reason: 'redirect', tried: [{ number: '777', sip_status: 302 }] });
      expect(second).not.toHaveProperty('redirect_to');
    },
  },
  {
    name: '5 redirects: of targets that ring at once, the address is that of the one that redirected',
    async run(life) {
      const call = life.call(
        ({ attempt }) =>
          attempt === 1
            ? { strategy: 'simultaneous', on_redirect: 'request', dial: [gw('777'), gw2('778')] }
            : { dial: gw2('888') },
        {
          '777': { redirect: { at: 400, contact: own(life, '888') } },
          '778': refuses(486),
          '888': answers,
        },
        { byeAt: 100 },
      );
      await call.finish();
      expect(call.requests()[1]).toMatchObject({ reason: 'redirect', redirect_to: own(life, '888') });
    },
  },
  ...(
    [
      ['', [gw('777')], {}],
      [' after early media', [gw('777')], { mediaAt: 20 }],
      [' of the second target after early media', [gw2('776'), gw('777')], { mediaAt: 20 }],
    ] as const
  ).map(
    ([what, dial, more]): LifeCase => ({
      name: `5 redirects: the redirect of the last target${what} ends the call with its cause`,
      async run(life) {
        const redirect = { redirect: { at: 300, contact: own(life, '888') }, ...more };
        const { notice, status } = await life
          .call({ dial }, { '776': refuses(486), '777': redirect })
          .finish();
        expect(notice).toMatchObject({ cause: 'REQUESTED_CHAN_UNAVAIL' });
        expect(status).toBe(503);
      },
    }),
  ),
  {
    name: '5 redirects: follow dials the address, which sees and shows no other number',
    async run(life) {
      const decision = { caller_id: { number: SHOWN }, on_redirect: 'follow', dial: gw(HIDDEN) };
      const call = life.call(decision, { [HIDDEN]: to(foreign(life, 'bob')), bob: answers }, { byeAt: 100 });
      const { invites, notice, trace, status } = await call.finish();
      expect(status).toBe(200);
      expect(call.requests()).toHaveLength(1);
      expect(invites).toMatchObject([{ number: HIDDEN }, { number: 'bob', callerNumber: SHOWN }]);
      expect(tried(notice)).toEqual([
        [HIDDEN, 'REQUESTED_CHAN_UNAVAIL'],
        ['bob', 'NONE'],
      ]);
      expect(leaks(trace, 'called', [CALLER])).toEqual([]);
      expect(leaks(trace, 'caller', [HIDDEN, 'bob'])).toEqual([]);
    },
  },
  {
    name: '5 redirects: follow does not dial a host that the operator does not allow',
    async run(life) {
      const { invites } = await life
        .call(
          { ...LIST, on_redirect: 'follow' },
          { '777': to(own(life, 'direct-carol')), '778': answers, carol: answers },
          { byeAt: 100 },
        )
        .finish();
      expect(invites.map(({ number }) => number)).toEqual(['777', '778']);
    },
  },
  {
    name: '5 redirects: the next target follows when the address of a redirect fails',
    async run(life) {
      const { invites, status } = await life
        .call(
          { ...LIST, on_redirect: 'follow' },
          { '777': to(foreign(life, 'bob')), bob: refuses(480), '778': answers },
          { byeAt: 100 },
        )
        .finish();
      expect(invites.map(({ number }) => number)).toEqual(['777', 'bob', '778']);
      expect(status).toBe(200);
    },
  },
  {
    name: '5 redirects: a final status at the address of a redirect ends the call',
    async run(life) {
      const { invites, status } = await life
        .call(
          { ...LIST, on_redirect: 'follow' },
          { '777': to(foreign(life, 'bob')), bob: refuses(603), '778': answers },
          { byeAt: 100 },
        )
        .finish();
      expect(invites.map(({ number }) => number)).toEqual(['777', 'bob']);
      expect(status).toBe(603);
    },
  },
  {
    name: '5 redirects: the caller gets the status of the address when no target is left',
    async run(life) {
      const { invites, status, reason } = await life
        .call(
          { dial: gw('777'), on_redirect: 'follow' },
          { '777': to(foreign(life, 'bob')), bob: refuses(486) },
        )
        .finish();
      expect(invites.map(({ number }) => number)).toEqual(['777', 'bob']);
      expect([status, reason]).toEqual([486, 'USER_BUSY']);
    },
  },
  {
    name: '5 redirects: a redirect of the address is not followed',
    async run(life) {
      const { invites, status, notice } = await life
        .call(
          { dial: gw('777'), on_redirect: 'follow' },
          { '777': to(foreign(life, 'bob')), bob: to(foreign(life, '777')) },
        )
        .finish();
      expect(invites.map(({ number }) => number)).toEqual(['777', 'bob']);
      expect(status).toBe(503);
      expect(triedLeg(notice, 1)).toMatchObject({ sip_status: 302 });
    },
  },
  {
    name: '5 redirects: on_fail request follows when the address of a redirect fails',
    async run(life) {
      const call = life.call(
        ({ attempt }) =>
          attempt === 1
            ? { dial: gw('777', { timeout: 1 }), on_redirect: 'follow', on_fail: 'request' }
            : { dial: gw2('888') },
        { '777': to(foreign(life, 'bob')), bob: rings, '888': answers },
        { byeAt: 100 },
      );
      await call.finish();
      const [, second] = call.requests();
      expect(second).toMatchObject({ reason: 'failed', attempt: 2 });
      expect(second && tried(second)).toEqual([
        ['777', 'REQUESTED_CHAN_UNAVAIL'],
        ['bob', 'NO_ANSWER'],
      ]);
    },
  },
  {
    name: '5 redirects: an operator who hangs up while the endpoint decides does not redirect the caller',
    async run(life) {
      life.cluster.answer = ({ attempt }) =>
        attempt === 1 ? { body: JSON.stringify({ on_redirect: 'request', dial: gw('777') }) } : 'silent';
      const call = life.place({ '777': to(own(life, '888')) });
      await until('the endpoint is requested again', () => call.requests().length === 2);
      await life.freeswitch.api(`uuid_kill ${call.uuid} USER_BUSY`);
      const { status } = await call.finish();
      expect(status).toBe(486);
    },
  },
];
