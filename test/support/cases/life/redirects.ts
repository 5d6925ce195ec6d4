import { expect } from 'vitest';
import type { LifeCase } from './case.ts';
import { answers, gw, gw2, type LifeHarness, triedLeg } from './harness.ts';

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
];
