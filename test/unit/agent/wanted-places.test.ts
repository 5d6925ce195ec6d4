import { describe, expect, it } from 'vitest';
import {
  admitLegs,
  type LimitSettings,
  limitProblem,
  nameOf,
  readPlace,
  wantsOf,
} from '#services/agent/limits/wanted-places.ts';

const CALL = { uuid: 'u', node: 'fs1', attempt: 2 };
const SETTINGS: LimitSettings = new Map([
  ['gw:a', { max: 2, rate: 5 }],
  ['gw:*', { max: 9 }],
  ['id:tenant', { max: 3 }],
]);
const leg = (endpoint: string) => ({ endpoint, variables: {} });
const group = (...endpoints: string[]) => ({ variables: {}, legs: endpoints.map(leg) });

const A1 = 'sofia/gateway/a/1';
const A2 = 'sofia/gateway/internal::a/2';
const B3 = 'sofia/gateway/b/3';
const IP = 'sofia/external/4@10.0.0.9';

describe('the places that a decision wants', () => {
  it('is one for targets of a gateway that are dialled one after the other, and one each for those that ring at once', () => {
    const sequential = wantsOf([group(A1), group(A2), group(IP)], undefined, CALL, SETTINGS);
    expect(sequential.gateways.map(nameOf)).toEqual(['gw:a/2-0']);
    const atOnce = wantsOf([group(A1, A2, B3)], undefined, CALL, SETTINGS);
    expect(atOnce.gateways.map((want) => [nameOf(want), want.bounds])).toEqual([
      ['gw:a/2-0', { max: 2, rate: 5 }],
      ['gw:a/2-1', { max: 2, rate: 5 }],
      ['gw:b/2-0', { max: 9 }],
    ]);
  });

  it('has the lower bounds of the decision and the operator', () => {
    const { named } = wantsOf(
      [],
      [
        { id: 'tenant', max: 5, rate: 1 },
        { id: 'x', max: 7 },
      ],
      CALL,
      SETTINGS,
    );
    expect(named.map(({ limit, bounds }) => [limit, bounds])).toEqual([
      ['id:tenant', { max: 3, rate: 1 }],
      ['id:x', { max: 7 }],
    ]);
  });

  it('is none without limits', () => {
    expect(wantsOf([group(A1)], undefined, CALL, new Map())).toEqual({
      named: [],
      gateways: [],
      ofLegs: [[undefined]],
    });
  });

  it('names the limit that has no bounds', () => {
    expect(limitProblem([{ id: 'tenant' }, { id: 'x' }], SETTINGS)).toBe(
      'limit.1: needs max or rate, because LIMITS of the agent has no id:x',
    );
    expect(limitProblem([{ id: 'tenant' }, { id: 'x', rate: 1 }], SETTINGS)).toBeUndefined();
    expect(limitProblem(undefined, SETTINGS)).toBeUndefined();
  });
});

describe('the targets that are left', () => {
  const groups = [group(A1, B3), group(A2), group(IP)];
  const wants = wantsOf(groups, undefined, CALL, SETTINGS);

  it('have their places, marked while a later target uses them', () => {
    const { groups: left, skipped } = admitLegs(groups, wants, () => undefined);
    expect(skipped).toEqual([]);
    expect(left.map(({ legs }) => legs.map(({ place }) => place))).toEqual([
      ['gw:a/2-0/kept', 'gw:b/2-0'],
      ['gw:a/2-0'],
      [undefined],
    ]);
    expect(readPlace('gw:a/2-0/kept', 'u', 'fs1')).toEqual({
      key: { limit: 'gw:a', n: '2-0', owner: 'u', node: 'fs1' },
      isKept: true,
    });
    expect(readPlace('gw:b/2-0', 'u', 'fs1')?.isKept).toBe(false);
    expect(readPlace('', 'u', 'fs1')).toBeUndefined();
  });

  it('are without those whose limit is reached, group by group', () => {
    const { groups: left, skipped } = admitLegs(groups, wants, (want) =>
      want?.limit === 'gw:a' ? 'gw:a' : undefined,
    );
    expect(left.map(({ legs }) => legs.map(({ endpoint }) => endpoint))).toEqual([[B3], [IP]]);
    expect(skipped).toEqual([
      { number: '1', limit: 'gw:a' },
      { number: '2', limit: 'gw:a' },
    ]);
  });

  it('are one that fails with NORMAL_CIRCUIT_CONGESTION when none is left', () => {
    const { groups: left, skipped } = admitLegs(groups, wants, () => 'id:tenant');
    expect(left).toEqual([group('error/NORMAL_CIRCUIT_CONGESTION')]);
    expect(skipped.map(({ number }) => number)).toEqual(['1', '3', '2', '4']);
  });
});
