import { beforeEach, describe, expect, it } from 'vitest';
import type { FinalCause } from '#libs/contract/decision.ts';
import { RestingGateways } from '#services/agent/gateways/resting-gateways.ts';
import { recordLog } from '#test/support/log.ts';

const FOR_MS = 30_000;
const CAUSES: readonly FinalCause[] = ['sip:503', 'RECOVERY_ON_TIMER_EXPIRE'];

const leg = (endpoint: string) => ({ endpoint, variables: {} });
const group = (...endpoints: string[]) => ({ variables: {}, legs: endpoints.map(leg) });
const A = 'sofia/gateway/a/1';
const B = 'sofia/gateway/b/2';
const IP = 'sofia/external/3@10.0.0.9';

const NOT_YET = { created: 1, invited: 1, ring: 0, media: 0, answered: 0, accepted: 0, bridged: 0, ended: 2 };
const ended = (cause: string, sip_status?: number, answered = 0, gateway = 'a') => ({
  ...{ kind: 'end' as const, call: 'c', leg: 'l', node: 'fs1', gateway },
  failure: { cause, ...(sip_status === undefined ? {} : { sip_status }) },
  times: { ...NOT_YET, answered },
});
const FAILED = ended('NORMAL_TEMPORARY_FAILURE', 503);

describe('a gateway that rests', () => {
  let now: number;
  let gateways: RestingGateways;
  let rests: number;
  const openWith = (after: number | undefined) =>
    new RestingGateways({
      ...{ after, forMs: FOR_MS, causes: CAUSES, log: recordLog().log },
      onRest: () => void rests++,
      now: () => now,
    });
  const restsAfter = (...events: readonly ReturnType<typeof ended>[]) => {
    for (const event of events) gateways.onLegEvent(event);
    return gateways.isResting('a');
  };

  beforeEach(() => {
    now = 1_000;
    rests = 0;
    gateways = openWith(2);
  });

  it.each<[string, boolean, readonly ReturnType<typeof ended>[]]>([
    ['two failures in a row', true, [FAILED, ended('RECOVERY_ON_TIMER_EXPIRE')]],
    ['one failure', false, [FAILED]],
    ['an answer in between', false, [FAILED, ended('NORMAL_CLEARING', 200, 5), FAILED]],
    ['a busy called party in between', false, [FAILED, ended('USER_BUSY', 486), FAILED]],
    ['a leg in between that ended without a status', true, [FAILED, ended('ORIGINATOR_CANCEL'), FAILED]],
    ['an answered leg that ends with such a status', false, [FAILED, ended('X', 503, 5), FAILED]],
    ['failures of two gateways', false, [FAILED, ended('X', 503, 0, 'b')]],
    ['legs without a gateway', false, [ended('X', 503, 0, ''), ended('X', 503, 0, '')]],
    ['the end of the caller leg', false, [FAILED, { ...FAILED, leg: 'c' }]],
  ])('%s: %s', (_, expected, events) => {
    expect(restsAfter(...events)).toBe(expected);
    expect(rests).toBe(expected ? 1 : 0);
  });

  it('works again after its time, rests again at the next failure, and works after an answer', () => {
    expect(restsAfter(FAILED, FAILED)).toBe(true);
    now += FOR_MS - 1;
    expect(gateways.isResting('a')).toBe(true);
    expect(gateways.status()).toEqual([
      { gateway: 'a', failures: 2, rests_until: new Date(1_000 + FOR_MS).toISOString() },
    ]);
    now += 1;
    expect(gateways.isResting('a')).toBe(false);
    expect(gateways.status()).toEqual([{ gateway: 'a', failures: 2 }]);
    expect(restsAfter(FAILED)).toBe(true);
    now += FOR_MS - 1;
    expect(gateways.isResting('a')).toBe(true);
    expect(restsAfter(ended('NORMAL_CLEARING', 200, 5))).toBe(false);
    expect(gateways.status()).toEqual([]);
  });

  it('is tried last, but a group with another gateway keeps its place', () => {
    const groups = [group(A), group(A, B), group(IP), group(B)];
    expect(gateways.order(groups)).toBe(groups);
    restsAfter(FAILED, FAILED);
    const ordered = gateways.order(groups);
    expect(
      ordered.map(({ legs }) => legs.map(({ endpoint, rested }) => [endpoint, rested ?? false])),
    ).toEqual([
      [
        [A, true],
        [B, false],
      ],
      [[IP, false]],
      [[B, false]],
      [[A, true]],
    ]);
  });

  it('is none without RESTING_GATEWAYS', () => {
    gateways = openWith(undefined);
    expect(restsAfter(FAILED, FAILED, FAILED)).toBe(false);
  });
});
