import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { LifeCase } from './case.ts';
import { answers, gw, gw2, refuses, tried } from './harness.ts';
import { heardDuring, NO_MEDIA } from './media.ts';

/** The caller hears the ringback for about so long. */
const expectAbout = (ms: number, expected: number) => {
  expect(ms).toBeGreaterThan(expected * 0.6 - 100);
  expect(ms).toBeLessThan(expected * 1.2 + 300);
};

const RINGS_LONG = { ringAt: 100, answerAt: 1500 };
const EARLY = { mediaAt: 600, answerAt: 2000 };

const heard = (name: string, decision: object, callee: object, ms: number, statuses: number[]): LifeCase => ({
  name: `ringback: ${name}`,
  onlyFreeSwitch: NO_MEDIA,
  async run(life) {
    const call = life.call(
      { ringback: 'melody', dial: gw('777'), ...decision },
      { '777': callee },
      { byeAt: 300 },
    );
    let seen: readonly number[] = [];
    const { caller, called } = await heardDuring(life, async () => {
      seen = (await call.finish()).statuses;
    });
    expectAbout(caller, ms);
    expect(called).toBe(0);
    expect(seen).toEqual(statuses);
  },
});

const early = (name: string, decision: object, callee: object, statuses: number[]): LifeCase => ({
  name: `early_media: ${name}`,
  async run(life) {
    const outcome = await life
      .call({ dial: gw('777'), ...decision }, { '777': callee }, { byeAt: 100 })
      .finish();
    expect(outcome.statuses).toEqual(statuses);
    expect(tried(outcome.notice)).toEqual([['777', 'NONE']]);
  },
});

export const RINGBACK: readonly LifeCase[] = [
  heard('the caller hears it until the answer', {}, RINGS_LONG, 1500, [100, 183, 200]),
  heard('a called party that is silent until its answer', {}, { answerAt: 1500 }, 1500, [100, 183, 200]),
  heard('early media stops it', {}, EARLY, 600, [100, 183, 200]),
  heard('ignored early media does not stop it', { early_media: 'ignore' }, EARLY, 2000, [100, 183, 200]),
  {
    name: 'ringback: a caller that the dialplan has answered hears it too',
    onlyFreeSwitch: NO_MEDIA,
    async run(life) {
      const heardMs = async (decision: object) => {
        const call = life.call(
          { dial: gw('777'), ...decision },
          { '777': RINGS_LONG },
          { destination: 'menu', byeAt: 5000 },
        );
        return (await heardDuring(life, () => call.finish())).caller;
      };
      const without = await heardMs({});
      expectAbout((await heardMs({ ringback: 'melody' })) - without, 1500);
    },
  },
  {
    name: 'ringback: it ends with its decision',
    onlyFreeSwitch: NO_MEDIA,
    async run(life) {
      const call = life.call({ ringback: 'melody', dial: gw('777') }, { '777': answers, bob: RINGS_LONG });
      const called = await call.callee('777');
      await call.talking;
      await sleep(300);
      const { caller } = await heardDuring(life, async () => {
        called.refer('direct-bob');
        await call.callee('bob');
        await sleep(300);
      });
      expect(caller).toBe(0);
      call.caller.bye();
      await call.finish();
    },
  },
  {
    name: 'ringback: one that is not listed, or whose file is missing, leaves the call as it is',
    async run(life) {
      for (const ringback of ['nowhere', 'lost']) {
        const { status, result } = await life
          .call(
            { ringback, dial: [gw('777'), gw2('778')] },
            { '777': refuses(486), '778': answers },
            { byeAt: 50 },
          )
          .finish();
        expect([status, result]).toEqual([200, 'decided']);
      }
    },
  },
  early('the caller gets it by default', {}, EARLY, [100, 183, 200]),
  early('pass is the default', { early_media: 'pass' }, EARLY, [100, 183, 200]),
  early('ignore keeps it from the caller', { early_media: 'ignore' }, EARLY, [100, 200]),
  early('ignore leaves ringing', { early_media: 'ignore' }, { ...EARLY, ringAt: 20 }, [100, 180, 200]),
  early('ring makes it ringing', { early_media: 'ring' }, EARLY, [100, 180, 200]),
];
