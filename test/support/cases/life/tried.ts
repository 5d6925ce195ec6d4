import { expect } from 'vitest';
import { CuttableProxy } from '#test/support/agent/cuttable-proxy.ts';
import { until } from '#test/support/until.ts';
import type { LifeCase } from './case.ts';
import { answers, gw, gw2, refuses, tried, triedLeg } from './harness.ts';

const early = (status: number) => ({ mediaAt: 20, refuse: { at: 200, status } });

export const TRIED: readonly LifeCase[] = [
  {
    name: '2 tried: early media, then 486, then the next target answers',
    async run(life) {
      const decision = { dial: [gw('777'), gw2('778')] };
      const { notice, status } = await life
        .call(decision, { '777': early(486), '778': answers }, { byeAt: 100 })
        .finish();
      expect(status).toBe(200);
      expect(tried(notice)).toEqual([
        ['777', 'USER_BUSY'],
        ['778', 'NONE'],
      ]);
      const gateway = 'gw';
      expect(triedLeg(notice, 0)).toMatchObject({
        gateway,
        sip_status: 486,
        early_media: true,
        answered: false,
      });
      expect(triedLeg(notice, 1)).toMatchObject({ gateway: 'gw2', answered: true });
    },
  },
  {
    name: '2 tried: both targets fail after early media',
    async run(life) {
      const decision = { dial: [gw('777'), gw2('778')] };
      const { notice } = await life.call(decision, { '777': early(486), '778': early(480) }).finish();
      expect(tried(notice)).toEqual([
        ['777', 'USER_BUSY'],
        ['778', 'NO_USER_RESPONSE'],
      ]);
    },
  },
  {
    name: '2 tried: the second request of on_fail has the cause of early media that failed',
    async run(life) {
      const call = life.call(
        ({ attempt }) => (attempt === 1 ? { dial: gw('777'), on_fail: 'request' } : { dial: gw2('778') }),
        { '777': early(486), '778': answers },
        { byeAt: 100 },
      );
      await call.finish();
      const [, second] = call.requests();
      expect(second && tried(second)).toEqual([['777', 'USER_BUSY']]);
      expect(second).toMatchObject({ reason: 'failed', attempt: 2 });
      expect(second && triedLeg(second, 0)).toMatchObject({ sip_status: 486, early_media: true });
    },
  },
  ...(
    [
      [404, 'UNALLOCATED_NUMBER'],
      [480, 'NO_USER_RESPONSE'],
      [486, 'USER_BUSY'],
      [503, 'NORMAL_TEMPORARY_FAILURE'],
      [603, 'CALL_REJECTED'],
    ] as const
  ).map(
    ([status, cause]): LifeCase => ({
      name: `2 tried: early media, then ${status}`,
      async run(life) {
        const { notice } = await life.call({ dial: gw('777') }, { '777': early(status) }).finish();
        expect(tried(notice)).toEqual([['777', cause]]);
        expect(triedLeg(notice, 0)).toMatchObject({ sip_status: status });
      },
    }),
  ),
  {
    name: '2 tried: phrase, Reason, ringing and times of each leg',
    async run(life) {
      const steps = [
        { at: 20, status: 180 },
        { at: 400, status: 486, phrase: 'Gone Fishing', headers: [['Reason', 'Q.850;cause=17;text="busy"']] },
      ] as const;
      const { notice } = await life
        .call({ dial: [gw('777'), gw2('778')] }, { '777': { steps }, '778': answers }, { byeAt: 500 })
        .finish();
      expect(triedLeg(notice, 0)).toMatchObject({
        sip_status: 486,
        sip_phrase: 'Gone Fishing',
        rang: true,
        early_media: false,
        answered: false,
      });
      const { ring_ms } = triedLeg(notice, 0);
      expect(ring_ms).toBeGreaterThanOrEqual(380);
      expect(ring_ms).toBeLessThan(2000);
      expect(triedLeg(notice, 1)).toMatchObject({ rang: true, answered: true });
      expect(triedLeg(notice, 1)['talk_ms']).toBeGreaterThanOrEqual(450);
    },
  },
  {
    name: '2 tried: loopback/7888/default is the number 7888',
    onlyFreeSwitch: 'the simulator has no channels of type loopback',
    async run(life) {
      const decision = { dial: { type: 'dialstring', dialstring: 'loopback/7888/default' } };
      const { notice } = await life.call(decision, { '7888': answers }, { byeAt: 300 }).finish();
      expect(tried(notice).map(([number]) => number)).not.toContain('default');
      expect(tried(notice)[0]?.[0]).toBe('7888');
    },
  },
  ...[600, 603, 604, 606, 607, 608].map(
    (status): LifeCase => ({
      name: `2 final causes: ${status} ends the call though a target is left`,
      async run(life) {
        const decision = { dial: [gw('777'), gw2('778')] };
        const { invites } = await life
          .call(decision, { '777': refuses(status), '778': answers }, { byeAt: 100 })
          .finish();
        expect(invites.map(({ number }) => number)).toEqual(['777']);
      },
    }),
  ),
  {
    name: '2 final causes: 603 after early media ends the call too',
    async run(life) {
      const decision = { dial: [gw('777'), gw2('778')] };
      const { invites } = await life
        .call(decision, { '777': early(603), '778': answers }, { byeAt: 100 })
        .finish();
      expect(invites.map(({ number }) => number)).toEqual(['777']);
    },
  },
  {
    name: '2 final causes: sip:480 of the decision ends the call, and 486 does not',
    async run(life) {
      const decision = { final_causes: ['sip:480'], dial: [gw('777'), gw2('778'), gw('779')] };
      const callees = { '777': refuses(486), '778': refuses(480), '779': answers };
      const { invites } = await life.call(decision, callees, { byeAt: 100 }).finish();
      expect(invites.map(({ number }) => number)).toEqual(['777', '778']);
    },
  },
  {
    name: '2 tried: the caller cancels during early media',
    async run(life) {
      const call = life.call({ dial: gw('777') }, { '777': { mediaAt: 20 } });
      await until('early media', () => call.caller.statuses.includes(183));
      call.caller.cancel();
      const { notice } = await call.finish();
      expect(notice).toMatchObject({ cause: 'ORIGINATOR_CANCEL', hangup_by: 'caller', billable_ms: 0 });
      expect(tried(notice)).toEqual([['777', 'ORIGINATOR_CANCEL']]);
      expect(triedLeg(notice, 0)).toMatchObject({ early_media: true, answered: false });
    },
  },
  ...[
    ['a hangup decision', { dial: { type: 'hangup', cause: 1 } }, 'UNALLOCATED_NUMBER'],
    ['an unknown gateway', { dial: { ...gw('777'), gateway: 'nowhere' } }, 'INVALID_GATEWAY'],
    ['a target after it', undefined, 'INVALID_GATEWAY'],
  ].map(
    ([what, second, cause]): LifeCase => ({
      name: `2 hangup: ${what} does not get the SIP status of an earlier target`,
      async run(life) {
        const first =
          second === undefined
            ? { dial: [gw('777'), { ...gw('778'), gateway: 'nowhere' }] }
            : { dial: gw('777'), on_fail: 'request' };
        const decide = ({ attempt }: { attempt: number }) => (attempt === 1 ? first : (second as object));
        const { notice } = await life.call(decide, { '777': refuses(486) }).finish();
        expect(notice).toMatchObject({ cause });
        expect(notice).not.toHaveProperty('sip_status');
        expect(triedLeg(notice, 0)).toMatchObject({ sip_status: 486 });
      },
    }),
  ),
  {
    name: '2 tried: the phone that lost the race has no SIP status of its own',
    async run(life) {
      const decision = { strategy: 'simultaneous', dial: [gw('777'), gw2('778')] };
      const { notice } = await life
        .call(decision, { '777': { ringAt: 20 }, '778': { ringAt: 20, answerAt: 300 } }, { byeAt: 100 })
        .finish();
      const lost = (notice['tried'] as { number: string; cause: string }[]).find(
        ({ number }) => number === '777',
      );
      expect(lost).toMatchObject({ cause: 'LOSE_RACE', rang: true });
      expect(lost).not.toHaveProperty('sip_status');
    },
  },
  {
    name: '2 hangup by FreeSWITCH: no INVITE leaves for a domain that does not exist',
    async run(life) {
      const dial = { type: 'dialstring', dialstring: 'sofia/internal/777@nowhere.invalid' };
      const { invites, notice } = await life.call({ dial }, { '777': answers }).finish();
      expect(invites).toEqual([]);
      expect(notice).toMatchObject({ hangup_by: 'freeswitch', billable_ms: 0 });
      expect(triedLeg(notice, 0)).not.toHaveProperty('sip_status');
    },
  },
  {
    name: '2 hangup by FreeSWITCH: nothing listens where the INVITE goes',
    async run(life) {
      const dial = [gw('777'), { type: 'dialstring', dialstring: 'sofia/internal/778@127.0.0.1:9' }];
      const { notice } = await life.call({ dial }, { '777': refuses(486) }).finish();
      expect(notice).toMatchObject({ hangup_by: 'freeswitch' });
      expect(triedLeg(notice, 0)).toMatchObject({ sip_status: 486 });
      expect(triedLeg(notice, 1)).not.toHaveProperty('sip_status');
    },
  },
  ...(
    [
      ['without a leg', { ...gw('777'), gateway: 'nowhere' }, {}, 'INVALID_GATEWAY'],
      ['that refused', gw('777'), refuses(486), 'USER_BUSY'],
      ['that refused after early media', gw('777'), early(603), 'CALL_REJECTED'],
    ] as const
  ).map(
    ([what, dial, callee, cause]): LifeCase => ({
      name: `2 on_fail request, and no agent can be reached: the caller gets the cause of a target ${what}`,
      async run(life) {
        const agent = await CuttableProxy.to(Number(life.cluster.socket.split(':')[1]));
        const socket = `127.0.0.1:${agent.port}`;
        const decide = () => {
          agent.refuse();
          return { dial, on_fail: 'request' };
        };
        const call = life.call(decide, { '777': callee }, { socket });
        const { notice } = await call.finish();
        await agent.close();
        expect(notice).toMatchObject({ cause, result: 'decided' });
        expect(call.requests()).toHaveLength(1);
      },
    }),
  ),
];
