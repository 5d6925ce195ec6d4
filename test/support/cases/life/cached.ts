import { expect } from 'vitest';
import type { LifeCase } from './case.ts';
import { answers, CALLER, gw, HIDDEN, type LifeCall, type LifeHarness, SHOWN } from './harness.ts';

const STRANGER = '13700000009';
const VARY = 'caller_id_number, destination_number';

/** Connects the caller with its own binding, and allows the decision to be used again. */
function bind(life: LifeHarness, control: string): void {
  life.cluster.answer = ({ caller_id_number }) => ({
    headers: { 'cache-control': control, 'dialhook-vary': VARY },
    body: JSON.stringify({
      caller_id: { number: SHOWN },
      data: { binding: caller_id_number },
      dial: caller_id_number === CALLER ? gw(HIDDEN) : { type: 'hangup', cause: 'UNALLOCATED_NUMBER' },
    }),
  });
}

async function place(life: LifeHarness, number = CALLER) {
  const caller = { number, name: 'Alice' };
  const call = life.place(
    { [HIDDEN]: answers, '000': answers },
    { caller, byeAt: 60, fallback: 'sofia/gateway/gw/000' },
  );
  return { call, ...(await call.finish()) };
}

/** Places calls until one of them is decided without an answer: each router has a cache of its own. */
async function untilCached(life: LifeHarness, isCached: (call: LifeCall) => boolean) {
  for (;;) {
    const one = await place(life);
    if (one.result === 'decided' && isCached(one.call)) return one;
  }
}

export const CACHED: readonly LifeCase[] = [
  {
    name: 'cached decision: it connects the same caller without a request, and no stranger',
    async run(life) {
      bind(life, 'max-age=600');
      const { invites, notice } = await untilCached(life, (call) => call.requests().length === 0);
      expect(invites).toMatchObject([{ number: HIDDEN, callerNumber: SHOWN }]);
      expect(notice).toMatchObject({
        data: { binding: CALLER },
        caller_id_number: CALLER,
        result: 'decided',
      });
      const other = await place(life, STRANGER);
      expect(other.call.requests()).toHaveLength(1);
      expect(other).toMatchObject({ invites: [], status: 404, notice: { data: { binding: STRANGER } } });
    },
  },
  {
    name: 'cached decision: a stale one connects the same caller while the endpoint fails, and no stranger',
    async run(life) {
      bind(life, 'stale-if-error=600');
      await place(life);
      life.cluster.answer = () => ({ status: 503, body: '' });
      const { invites, notice } = await untilCached(life, () => true);
      expect(invites).toMatchObject([{ number: HIDDEN, callerNumber: SHOWN }]);
      expect(notice).toMatchObject({ data: { binding: CALLER }, result: 'decided' });
      const other = await place(life, STRANGER);
      expect(other).toMatchObject({
        invites: [{ number: '000' }],
        result: expect.not.stringMatching('decided'),
      });
    },
  },
];
