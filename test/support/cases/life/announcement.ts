import { expect } from 'vitest';
import { requestsTo } from '#test/support/freeswitch/sip-trace.ts';
import type { LifeCase } from './case.ts';
import { gw, type LifeHarness, refuses } from './harness.ts';
import { heardDuring, NO_MEDIA } from './media.ts';

const hangup = (more: object) => ({ dial: { type: 'hangup', play: 'beep', ...more } });

/** Half a second of sound, as the caller got it. */
const expectBeep = (ms: number) => {
  expect(ms).toBeGreaterThan(350);
  expect(ms).toBeLessThan(700);
};

const announced = (name: string, more: object, expected: object): LifeCase => ({
  name: `hangup with play: ${name}`,
  onlyFreeSwitch: NO_MEDIA,
  async run(life: LifeHarness) {
    const call = life.call(hangup(more), {});
    let seen: object = {};
    const heard = await heardDuring(life, async () => {
      const { statuses, notice, trace } = await call.finish();
      seen = { statuses, cause: notice['cause'], bye: requestsTo(trace, 'caller').includes('BYE') };
    });
    expectBeep(heard.caller);
    expect(seen).toEqual(expected);
  },
});

export const ANNOUNCEMENT: readonly LifeCase[] = [
  announced(
    'early media, then the status of the cause',
    { cause: 1 },
    {
      statuses: [100, 183, 404],
      cause: 'UNALLOCATED_NUMBER',
      bye: false,
    },
  ),
  announced(
    'early media, then the SIP status',
    { sipcode: 603 },
    {
      statuses: [100, 183, 603],
      cause: 'CALL_REJECTED',
      bye: false,
    },
  ),
  announced(
    'after an answer, then BYE',
    { cause: 17, answer: true },
    {
      statuses: [100, 200],
      cause: 'USER_BUSY',
      bye: true,
    },
  ),
  {
    name: 'hangup with play: of the second request, after a target that was busy',
    onlyFreeSwitch: NO_MEDIA,
    async run(life) {
      const call = life.call(
        ({ attempt }) => (attempt === 1 ? { on_fail: 'request', dial: gw('777') } : hangup({ cause: 21 })),
        { '777': refuses(486) },
      );
      const heard = await heardDuring(life, async () => {
        const { status, notice } = await call.finish();
        expect([status, notice['cause']]).toEqual([603, 'CALL_REJECTED']);
      });
      expectBeep(heard.caller);
    },
  },
  {
    name: 'hangup with play: a sound that is not listed, or whose file is missing, does not change the end',
    async run(life) {
      for (const play of ['nowhere', 'lost']) {
        const { status, notice, result } = await life.call(hangup({ play, cause: 1 }), {}).finish();
        expect([status, notice['cause'], result]).toEqual([404, 'UNALLOCATED_NUMBER', 'decided']);
      }
    },
  },
  {
    name: 'hangup with play: the caller hangs up meanwhile',
    onlyFreeSwitch: NO_MEDIA,
    async run(life) {
      const call = life.call(hangup({ play: 'long-beep', cause: 1 }), {}, { cancelAt: 400 });
      const { notice, status } = await call.finish();
      expect(notice).toMatchObject({ cause: 'ORIGINATOR_CANCEL', hangup_by: 'caller' });
      expect(status).toBe(487);
    },
  },
];
