import { beforeEach, describe, expect, it } from 'vitest';
import { type PlaceKey, placeSubject } from '#libs/bus/limit-stream.ts';
import type { LimitKey } from '#libs/contract/call-limits.ts';
import { CallLimits } from '#services/agent/limits/call-limits.ts';
import type { Places } from '#services/agent/limits/places.ts';
import type { Verdict, Want } from '#services/agent/limits/want.ts';
import { recordLog } from '#test/support/log.ts';

const key = (limit: LimitKey, n = '1-0'): PlaceKey => ({ limit, node: 'fs1', owner: 'c', n });

/** The places of the call c, without NATS. */
class FakePlaces {
  readonly held = new Map(
    [key('id:tenant', '1'), key('gw:a'), key('gw:b')].map((place) => [placeSubject(place), place]),
  );
  placesOf(owner: string) {
    return [...this.held]
      .map(([subject, place]) => ({ ...place, subject }))
      .filter((one) => one.owner === owner);
  }
  readonly reached = new Set<LimitKey>();
  readonly asked: LimitKey[] = [];
  isReached({ limit }: Want) {
    return this.reached.has(limit);
  }
  /** The verdicts of limits that are not taken. */
  readonly verdicts = new Map<LimitKey, Verdict>();
  async take(wants: readonly Want[]): Promise<Verdict[]> {
    this.asked.push(...wants.map(({ limit }) => limit));
    if (wants.some((want) => this.isReached(want))) return wants.map(() => 'max' as const);
    return wants.map(({ bounds: _, ...one }) => {
      const verdict = this.verdicts.get(one.limit) ?? 'taken';
      if (verdict === 'taken' || verdict === 'unchecked') this.held.set(placeSubject(one), one);
      return verdict;
    });
  }
  free(keys: readonly PlaceKey[]) {
    for (const one of keys) this.held.delete(placeSubject(one));
  }
  readonly view = { limits: () => [], usage: () => ({ used: 0, recent: 0 }) };
  get keys() {
    return [...this.held.values()].map(({ limit, n }) => `${limit} ${n}`);
  }
  get limits() {
    return [...this.held.values()].map(({ limit }) => limit);
  }
}

const event = (kind: 'ring' | 'answer' | 'accept' | 'end', leg: string, place = '', more: object = {}) => ({
  ...{ kind, leg, place, call: 'c', node: 'fs1', accepts: false },
  times: {
    created: 1,
    invited: 1,
    ring: 0,
    media: 0,
    answered: 0,
    accepted: 0,
    bridged: 0,
    ended: 0,
    ...more,
  },
});

const LEGS = [{ variables: {}, legs: [{ endpoint: 'sofia/gateway/a/777', variables: {} }] }];

describe('the places of a call', () => {
  let places: FakePlaces;
  let limits: CallLimits;

  const open = (onOutage: 'admit' | 'refuse') =>
    new CallLimits({
      places: places as unknown as Places,
      settings: new Map<LimitKey, object>([
        ['gw:*', { max: 1 }],
        ['gw:b', { max: 1 }],
      ]),
      onOutage,
      log: recordLog().log,
    });

  beforeEach(() => {
    places = new FakePlaces();
    limits = open('admit');
  });

  it('of a gateway ends with its leg, unless a later target uses it', () => {
    limits.onLegEvent(event('end', 'l1', 'gw:a/1-0/kept'));
    expect(places.limits).toContain('gw:a');
    limits.onLegEvent(event('end', 'l2', 'gw:a/1-0'));
    expect(places.limits).toEqual(['id:tenant', 'gw:b']);
  });

  it('of the other gateways end with an answer, all others with the caller leg', () => {
    limits.onLegEvent(event('answer', 'l1', 'gw:a/1-0'));
    expect(places.limits).toEqual(['id:tenant', 'gw:a']);
    limits.onLegEvent(event('end', 'l1', 'gw:a/1-0', { answered: 2, accepted: 2 }));
    limits.onLegEvent(event('end', 'c'));
    expect(places.limits).toEqual([]);
  });

  it('stay while a leg that has answered must accept the call', () => {
    limits.onLegEvent({ ...event('answer', 'l1', 'gw:a/1-0/kept'), accepts: true });
    expect(places.limits).toEqual(['id:tenant', 'gw:a', 'gw:b']);
    limits.onLegEvent({ ...event('end', 'l1', 'gw:a/1-0/kept', { answered: 2 }), accepts: true });
    expect(places.limits).toEqual(['id:tenant', 'gw:a', 'gw:b']);
    limits.onLegEvent({ ...event('accept', 'l2', 'gw:b/1-0', { answered: 2, accepted: 3 }), accepts: true });
    expect(places.limits).toEqual(['id:tenant', 'gw:b']);
  });

  it('of a connected leg stays when its caller is connected with another leg, until it ends', () => {
    limits.onLegEvent(event('answer', 'l1', 'gw:a/1-0'));
    limits.onLegEvent(event('ring', 'l2', 'gw:b/1-0/kept'));
    limits.onLegEvent(event('answer', 'l3'));
    expect(places.limits).toEqual(['id:tenant', 'gw:a']);
    limits.onLegEvent(event('end', 'l1', 'gw:a/1-0', { answered: 2, accepted: 2 }));
    expect(places.limits).toEqual(['id:tenant']);
  });

  it('of a connected leg stays when its call gets another decision', async () => {
    limits.onLegEvent(event('answer', 'l1', 'gw:a/1-0'));
    limits.onLegEvent(event('ring', 'l1', 'gw:a/1-0', { answered: 2, accepted: 2 }));
    await places.take([{ ...key('gw:b'), bounds: {} }]);
    await limits.admit({ uuid: 'c', node: 'fs1', attempt: 2 }, [], { limit: [{ id: 'tenant', max: 1 }] });
    expect(places.limits).toEqual(['id:tenant', 'gw:a']);
  });

  it('of a connected leg stays when a limit of another decision is reached', async () => {
    limits.onLegEvent(event('answer', 'l1', 'gw:a/1-0'));
    places.reached.add('id:full');
    await limits.admit({ uuid: 'c', node: 'fs1', attempt: 2 }, LEGS, { limit: [{ id: 'full', max: 1 }] });
    expect(places.limits).toEqual(['gw:a']);
    limits.onLegEvent(event('end', 'l1', 'gw:a/1-0', { answered: 2, accepted: 2 }));
    expect(places.limits).toEqual([]);
  });

  it('are not taken of gateways when a named limit is reached', async () => {
    places.reached.add('id:full');
    const limit = [
      { id: 'free', max: 1 },
      { id: 'full', max: 1 },
    ];
    const { skipped } = await limits.admit({ uuid: 'd', node: 'fs1', attempt: 1 }, LEGS, { limit });
    expect(skipped).toEqual([{ number: '777', limit: 'id:full' }]);
    expect(places.asked).toEqual(['id:full']);
    places.reached.clear();
    await limits.admit({ uuid: 'd', node: 'fs1', attempt: 1 }, LEGS, { limit });
    expect(places.asked).toEqual(['id:full', 'id:free', 'id:full', 'gw:a']);
  });

  it('of a leg that is still up stays after the caller leg has ended', () => {
    limits.onLegEvent(event('answer', 'l1', 'gw:a/1-0'));
    limits.onLegEvent(event('end', 'c'));
    expect(places.limits).toEqual(['gw:a']);
    limits.freeGone('c', new Set(['l1']));
    expect(places.limits).toEqual(['gw:a']);
    limits.onLegEvent(event('end', 'l1', 'gw:a/1-0', { answered: 2, accepted: 2 }));
    expect(places.limits).toEqual([]);
  });

  const B = { endpoint: 'sofia/gateway/b/1', variables: {} };
  const decide = (id: string) =>
    limits.admit({ uuid: 'c', node: 'fs1', attempt: 2 }, [{ variables: {}, legs: [B] }], {
      limit: [{ id, max: 1 }],
    });

  it('that a later decision does not name end with it; the others stay', async () => {
    await decide('tenant');
    expect(places.keys).toEqual(['id:tenant 1', 'gw:b 2-0']);
    await decide('other');
    expect(places.keys).toEqual(['id:other 2', 'gw:b 2-0']);
  });

  it('are not kept when a limit is reached', async () => {
    places.verdicts.set('id:other', 'max');
    const { groups, skipped } = await decide('other');
    expect(skipped).toEqual([{ number: '1', limit: 'id:other' }]);
    expect(groups).toEqual([
      { variables: {}, legs: [{ endpoint: 'error/NORMAL_CIRCUIT_CONGESTION', variables: {} }] },
    ]);
    expect(places.keys).toEqual([]);
  });

  it.each<['admit' | 'refuse', readonly LimitKey[], readonly LimitKey[], readonly string[]]>([
    ['admit', ['id:other', 'gw:b'], [], ['id:other 2', 'gw:b 2-0']],
    ['refuse', ['id:other', 'gw:b'], ['id:other'], []],
    ['refuse', ['gw:b'], ['gw:b'], ['id:other 2']],
  ])(
    'with LIMITS_ON_OUTAGE=%s, when JetStream does not answer for %j',
    async (onOutage, silent, skipped, kept) => {
      limits = open(onOutage);
      for (const limit of silent) places.verdicts.set(limit, 'unchecked');
      expect((await decide('other')).skipped.map(({ limit }) => limit)).toEqual(skipped);
      expect(places.keys).toEqual(kept);
      expect(limits.status().find(({ limit }) => limit === 'gw:b')?.refused).toBe(skipped.length);
    },
  );
});
