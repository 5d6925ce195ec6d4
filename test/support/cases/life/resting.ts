import { expect } from 'vitest';
import type { LifeCase } from './case.ts';
import { answers, gw, gw2, type LifeHarness, refuses, tried, triedLeg } from './harness.ts';

/**
 * The settings of the cluster. Only these cases use the status, so that the gateways of other cases never rest. A rest is
 * longer than a test; test/unit/agent/resting-gateways.test.ts has its end.
 */
export const RESTING_SETTINGS = {
  RESTING_GATEWAYS: '2',
  RESTING_MS: '600000',
  RESTING_CAUSES: 'sip:513',
} as const;

const weak = (number: string) => ({ ...gw(number), gateway: 'weak' });
const FAILS = { '777': refuses(513), '778': answers };
const LIST = [weak('777'), gw2('778')];

const numbersTried = async (life: LifeHarness, callees: Parameters<LifeHarness['call']>[1]) => {
  const { notice } = await life.call({ dial: LIST }, callees, { byeAt: 50 }).finish();
  return { notice, numbers: tried(notice).map(([number]) => number) };
};

export const RESTING: readonly LifeCase[] = [
  {
    name: 'resting gateways: after two failures in a row its targets are tried last, until one answers',
    alone: true,
    async run(life) {
      expect((await numbersTried(life, FAILS)).numbers).toEqual(['777', '778']);
      expect((await numbersTried(life, { ...FAILS, '777': answers })).numbers).toEqual(['777']);
      expect((await numbersTried(life, FAILS)).numbers).toEqual(['777', '778']);
      expect((await numbersTried(life, FAILS)).numbers).toEqual(['777', '778']);
      expect((await numbersTried(life, FAILS)).numbers).toEqual(['778']);
      const last = await numbersTried(life, { '777': answers, '778': refuses(486) });
      expect(last.numbers).toEqual(['778', '777']);
      expect(triedLeg(last.notice, 0)).not.toHaveProperty('rested');
      expect(triedLeg(last.notice, 1)).toMatchObject({ cause: 'NONE', rested: true });
      expect((await numbersTried(life, FAILS)).numbers).toEqual(['777', '778']);
      expect((await numbersTried(life, { ...FAILS, '777': answers })).numbers).toEqual(['777']);
    },
  },
  {
    name: 'resting gateways: a busy called party is no failure of its gateway',
    alone: true,
    async run(life) {
      for (let calls = 0; calls < 4; calls++)
        expect((await numbersTried(life, { '777': refuses(486), '778': answers })).numbers).toEqual([
          '777',
          '778',
        ]);
    },
  },
];
