import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { until } from '#test/support/until.ts';
import type { LifeCase } from './case.ts';
import { answers, gw, gw2, type LifeCall, type LifeHarness, refuses } from './harness.ts';

const EVERY_ACTION = ['ring', 'progress', 'answer', 'hangup', 'leg_end', 'transfer'];
/** What a serializer may write; the rules for empty values and for text of the other fields do not hold in it. */
const DATA = { order: 'A-17', ключ: ["it's", null, [], {}, '${system(x)};|,{}\\'], price: 0.1 };

const dataOf = (one: object): unknown => (one as { data?: unknown }).data;
const distinctData = (all: readonly object[]) => [...new Set(all.map((one) => JSON.stringify(dataOf(one))))];

async function connected(life: LifeHarness, decide: Parameters<LifeHarness['call']>[0]): Promise<LifeCall> {
  const call = life.call(decide, { '777': answers, '888': answers, bob: answers });
  await call.callee('777');
  await call.talking;
  return call;
}

export const OWN_DATA: readonly LifeCase[] = [
  {
    name: 'data: every later request and notification contains it',
    async run(life) {
      const call = life.call(
        ({ attempt }) =>
          attempt === 1
            ? { data: DATA, notify: EVERY_ACTION, on_fail: 'request', dial: gw('777') }
            : { notify: EVERY_ACTION, dial: gw2('888') },
        { '777': { ringAt: 20, refuse: { at: 60, status: 486 } }, '888': answers },
        { byeAt: 100 },
      );
      await call.finish();
      const [first, second] = call.requests();
      expect(first).not.toHaveProperty('data');
      expect(dataOf(second ?? {})).toEqual(DATA);
      const actions = call.notified().map(({ action }) => action);
      expect(actions).toEqual(['ring', 'leg_end', 'ring', 'answer', expect.any(String), expect.any(String)]);
      expect(distinctData(call.notified())).toEqual([JSON.stringify(DATA)]);
    },
  },
  {
    name: 'data: a later decision replaces it, and one without data keeps it',
    async run(life) {
      const datas = [{ n: 1 }, undefined, 'text'];
      const call = life.call(
        ({ attempt }) => ({
          ...(datas[attempt - 1] === undefined ? {} : { data: datas[attempt - 1] }),
          ...(attempt < 3
            ? { on_fail: 'request', dial: gw(`77${attempt}`) }
            : { dial: { type: 'hangup', cause: 17 } }),
        }),
        { '771': refuses(486), '772': refuses(503) },
      );
      const { notice } = await call.finish();
      expect(call.requests().map(dataOf)).toEqual([undefined, { n: 1 }, { n: 1 }]);
      expect(notice).toMatchObject({ data: 'text', cause: 'USER_BUSY' });
    },
  },
  {
    name: 'data: none leaves no variable on any channel and no field in any message',
    async run(life) {
      const call = life.call({ dial: gw('777') }, { '777': answers }, { byeAt: 100 });
      await call.finish();
      expect(distinctData([...call.requests(), ...call.notified()])).toEqual([undefined]);
      const names = call.events.flatMap((event) => Object.keys(event));
      expect(names.filter((name) => /^variable_dialhook_(?:data|notify)/.test(name))).toEqual([]);
      const exported = JSON.stringify(
        call.events.map((event) => (event as Record<string, unknown>)['variable_export_vars']),
      );
      expect(exported).not.toMatch(/dialhook_data|dialhook_notify_url/);
    },
  },
  {
    name: 'data: it stays with a call that the called party transfers, also to an extension without Dialhook',
    async run(life) {
      const call = await connected(life, ({ reason }) => ({
        ...(reason === 'new' ? { data: DATA } : {}),
        notify: EVERY_ACTION,
        dial: reason === 'new' ? gw('777') : gw2('888'),
      }));
      (await call.callee('777')).refer('888');
      const second = await call.callee('888');
      await sleep(300);
      second.refer('direct-bob');
      await call.callee('bob');
      await sleep(300);
      call.caller.bye();
      await call.finish();
      expect(call.requests().map(dataOf)).toEqual([undefined, DATA]);
      expect(call.notified().filter(({ called_number }) => called_number === 'bob')).not.toEqual([]);
      expect(distinctData(call.notified())).toEqual([JSON.stringify(DATA)]);
    },
  },
  {
    name: 'data: a new call that the caller makes of the called party by a transfer has none',
    async run(life) {
      const call = await connected(life, ({ reason }) => ({
        ...(reason === 'new' ? { data: DATA } : {}),
        dial: reason === 'new' ? gw('777') : gw2('888'),
      }));
      const called = await call.callee('777');
      call.caller.refer('888');
      await call.callee('888');
      await sleep(300);
      called.bye();
      await call.finish();
      const others = () => life.cluster.requests.filter(({ uuid }) => uuid !== call.uuid);
      const uuid = others()[0]?.uuid ?? '';
      await until('the new call ended', () => life.notified(uuid).some(({ action }) => action === 'hangup'));
      expect(distinctData([...others(), ...life.notified(uuid)])).toEqual([undefined]);
      expect(distinctData(call.notified())).toEqual([JSON.stringify(DATA)]);
    },
  },
  {
    name: 'notify_url: it gets the notifications, the first URL the requests',
    async run(life) {
      const other = life.another();
      const call = life.call(
        { notify_url: `${other.url}&x=;,'%7B`, on_fail: 'request', dial: gw('777') },
        { '777': answers },
        { byeAt: 100 },
      );
      await call.ended;
      await until('the hangup came', () => other.delivered.length === 3);
      expect(other.delivered.map(({ notification }) => notification.action)).toEqual([
        'ring',
        'answer',
        'hangup',
      ]);
      expect(other.requests).toEqual([]);
      expect(call.notified()).toEqual([]);
      expect(call.requests()).toHaveLength(1);
    },
  },
  {
    name: 'notify_url: an address that the rules refuse makes the decision invalid',
    async run(life) {
      const decision = { notify_url: 'http://169.254.169.254/latest', dial: gw('777') };
      const { result, error } = await life.call(decision, { '777': answers }).finish();
      expect(result).toBe('invalid_decision');
      expect(error).toBe('notify_url: its address is never allowed');
    },
  },
];
