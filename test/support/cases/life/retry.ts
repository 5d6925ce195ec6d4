import { expect } from 'vitest';
import type { LifeCase } from './case.ts';
import { answers, gw, gw2, refuses, rings, tried } from './harness.ts';

const LIST = [gw('777'), gw2('778')];
/** SIP status and the cause that FreeSWITCH makes of it. */
const REFUSALS = [
  [403, 'CALL_REJECTED'],
  [404, 'UNALLOCATED_NUMBER'],
  [480, 'NO_USER_RESPONSE'],
  [486, 'USER_BUSY'],
  [503, 'NORMAL_TEMPORARY_FAILURE'],
  [600, 'USER_BUSY'],
  [603, 'CALL_REJECTED'],
] as const;

interface RetryCase {
  readonly name: string;
  readonly decision: object;
  /** The statuses after which the second target is tried. */
  readonly retried: readonly number[];
}

const BY_STATUS: RetryCase = {
  name: 'retry_causes of SIP statuses',
  decision: { retry_causes: ['sip:404', 'sip:480', 'sip:5xx'] },
  retried: [404, 480, 503],
};
const BY_CAUSE: RetryCase = {
  name: 'retry_causes of causes',
  decision: { retry_causes: ['USER_BUSY', 'UNALLOCATED_NUMBER'] },
  retried: [404, 486, 600],
};
const BOTH: RetryCase = {
  name: 'retry_causes with final_causes, which win',
  decision: { retry_causes: ['USER_BUSY', 'CALL_REJECTED'], final_causes: ['sip:600', 'sip:603'] },
  retried: [403, 486],
};
const NONE: RetryCase = {
  name: 'an empty list of retry_causes',
  decision: { retry_causes: [] },
  retried: [],
};

const retryCase = ({ name, decision, retried }: RetryCase, early = false): LifeCase => ({
  name: `${name}: 403, 404, 480, 486, 503, 600 and 603${early ? ' after early media' : ''}`,
  async run(life) {
    for (const [status, cause] of REFUSALS) {
      const refused = early ? { mediaAt: 20, refuse: { at: 150, status } } : refuses(status);
      const outcome = await life
        .call({ ...decision, dial: LIST }, { '777': refused, '778': answers }, { byeAt: 50 })
        .finish();
      const isRetried = retried.includes(status);
      expect([status, ...tried(outcome.notice)]).toEqual(
        isRetried ? [status, ['777', cause], ['778', 'NONE']] : [status, ['777', cause]],
      );
      expect(outcome.status).toBe(isRetried ? 200 : status);
    }
  },
});

export const RETRY: readonly LifeCase[] = [
  ...[BY_STATUS, BY_CAUSE, BOTH, NONE].map((one) => retryCase(one)),
  ...[BY_STATUS, BY_CAUSE].map((one) => retryCase(one, true)),
  {
    name: 'retry_causes: no further request after another cause, one after a listed cause',
    async run(life) {
      for (const [status, attempts] of [
        [486, 1],
        [503, 2],
      ] as const) {
        const call = life.call(
          ({ attempt }) =>
            attempt === 1
              ? { retry_causes: ['NORMAL_TEMPORARY_FAILURE'], on_fail: 'request', dial: gw('777') }
              : { dial: gw2('778') },
          { '777': refuses(status), '778': answers },
          { byeAt: 50 },
        );
        await call.finish();
        expect(call.requests()).toHaveLength(attempts);
      }
    },
  },
  {
    name: 'retry_causes: a redirect that is not listed ends the call, and its status stays hidden',
    async run(life) {
      const redirect = { redirect: { at: 20, contact: `sip:9@${life.freeswitch.elsewhere}` } };
      const { notice, status } = await life
        .call({ retry_causes: ['USER_BUSY'], dial: LIST }, { '777': redirect, '778': answers })
        .finish();
      expect(tried(notice)).toEqual([['777', 'REQUESTED_CHAN_UNAVAIL']]);
      expect(status).toBeGreaterThanOrEqual(400);
    },
  },
  {
    name: 'retry_causes: a redirect that is listed leads to the next target',
    async run(life) {
      const redirect = { redirect: { at: 20, contact: `sip:9@${life.freeswitch.elsewhere}` } };
      const decision = { retry_causes: ['REQUESTED_CHAN_UNAVAIL'], dial: LIST };
      const { notice } = await life
        .call(decision, { '777': redirect, '778': answers }, { byeAt: 50 })
        .finish();
      expect(tried(notice).map(([number]) => number)).toEqual(['777', '778']);
    },
  },
  {
    name: 'progress_timeout: a target that sends no ringing fails and the next one follows',
    async run(life) {
      const decision = { dial: [gw('777', { progress_timeout: 1, timeout: 20 }), gw2('778')] };
      const { notice } = await life
        .call(decision, { '777': {}, '778': answers }, { cancelAt: 9000, byeAt: 50 })
        .finish();
      expect(tried(notice)).toEqual([
        ['777', 'PROGRESS_TIMEOUT'],
        ['778', 'NONE'],
      ]);
    },
  },
  ...(
    [
      ['ringing', { ringAt: 20, answerAt: 3500 }],
      ['early media', { mediaAt: 20, answerAt: 3500 }],
    ] as const
  ).map(
    ([what, callee]): LifeCase => ({
      name: `progress_timeout: ${what} ends it`,
      async run(life) {
        const decision = { dial: [gw('777', { progress_timeout: 1 }), gw2('778')] };
        const { notice } = await life
          .call(decision, { '777': callee, '778': answers }, { byeAt: 50 })
          .finish();
        expect(tried(notice)).toEqual([['777', 'NONE']]);
      },
    }),
  ),
  {
    name: 'progress_timeout: of phones that ring at once, the silent one fails alone, delay not counted',
    async run(life) {
      const decision = {
        strategy: 'simultaneous',
        dial: [
          gw('777', { progress_timeout: 1 }),
          gw('779', { timeout: 20 }),
          gw2('778', { delay: 2, progress_timeout: 3 }),
        ],
      };
      const callees = { '777': {}, '779': rings, '778': { ringAt: 1500, answerAt: 2500 } };
      const { notice } = await life.call(decision, callees, { cancelAt: 15_000, byeAt: 50 }).finish();
      expect(Object.fromEntries(tried(notice))).toEqual({
        '777': 'PROGRESS_TIMEOUT',
        '778': 'NONE',
        '779': 'LOSE_RACE',
      });
    },
  },
  {
    name: 'progress_timeout: the caller of the only target gets SIP 480',
    async run(life) {
      const { notice, status } = await life
        .call({ dial: gw('777', { progress_timeout: 1 }) }, { '777': {} }, { cancelAt: 9000 })
        .finish();
      expect(notice).toMatchObject({ cause: 'PROGRESS_TIMEOUT', hangup_by: 'freeswitch' });
      expect(status).toBe(480);
    },
  },
];
