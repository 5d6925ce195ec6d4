import { beforeEach, describe, expect, it } from 'vitest';
import type { LimitKey } from '#libs/contract/call-limits.ts';
import { exceeded, LimitView } from '#services/agent/limits/limit-view.ts';

const LIMIT: LimitKey = 'gw:gw';
const place = (owner: string, takenAt: number, node = 'fs1') => ({
  limit: LIMIT,
  node,
  owner,
  n: '1-0',
  subject: `${node}.${owner}`,
  bounds: { max: 2 },
  takenAt,
});

describe('the view of limits', () => {
  let now: number;
  let view: LimitView;

  beforeEach(() => {
    now = 0;
    view = new LimitView({ leaseMs: 10_000, now: () => now });
  });

  it('counts the places before each place', () => {
    expect(view.onTaken(place('a', 1_000))).toEqual({ used: 0, recent: 0 });
    expect(view.onTaken(place('b', 1_001))).toEqual({ used: 1, recent: 1 });
    view.onFreed('fs1.a', false);
    expect(view.onTaken(place('c', 1_002))).toEqual({ used: 1, recent: 2 });
  });

  it('counts the calls of the last second of JetStream, whatever the clock of the agent', () => {
    view.onTaken(place('a', 5_000));
    now = 100_000;
    expect(view.onTaken(place('b', 5_999)).recent).toBe(1);
    expect(view.onTaken(place('c', 6_000)).recent).toBe(1);
    expect(view.usage(LIMIT).recent).toBe(2);
    now += 1_000;
    expect(view.usage(LIMIT).recent).toBe(0);
  });

  it('does not count a place that was not used among the calls of the last second', () => {
    view.onTaken(place('a', 1_000));
    view.onTaken(place('b', 1_000));
    view.onFreed('fs1.a', true);
    view.onFreed('fs1.b', false);
    expect(view.usage(LIMIT)).toEqual({ used: 0, recent: 1 });
  });

  it('does not count a node that was not heard of for the lease, and counts it again', () => {
    view.onTaken(place('a', 1_000));
    view.onTaken(place('b', 1_000, 'fs2'));
    now = 9_000;
    view.onHeard('fs2', 1_000);
    now = 10_001;
    expect(view.usage(LIMIT).used).toBe(1);
    view.onHeard('fs1', 1_000);
    expect(view.usage(LIMIT).used).toBe(2);
  });

  describe('when the stream is read again', () => {
    let again: LimitView;
    const readAgain = (...messages: readonly [owner: string, takenAt: number, node?: string][]) => {
      again = new LimitView({ leaseMs: 10_000, now: () => now, earlier: view });
      for (const message of messages) again.onTaken(place(...message));
    };

    it('does not renew the lease of a node with its old messages, neither meanwhile nor later', () => {
      view.onTaken(place('a', 1_000));
      now = 9_000;
      readAgain(['a', 1_000]);
      now = 10_001;
      expect(again.usage(LIMIT).used).toBe(0);
      again.onCaughtUp();
      expect(again.usage(LIMIT).used).toBe(0);
      again.onHeard('fs1', 1_000);
      expect(again.usage(LIMIT).used).toBe(1);
    });

    it('renews the lease of a node with a message that was not read before', () => {
      view.onTaken(place('a', 1_000));
      now = 9_000;
      readAgain(['a', 1_000], ['b', 1_001], ['c', 900, 'fs2']);
      again.onCaughtUp();
      now = 10_001;
      expect(again.usage(LIMIT).used).toBe(3);
    });

    it('forgets the calls of the last second in the order in which they came', () => {
      view.onTaken(place('a', 1_000));
      view.onTaken(place('b', 1_400));
      view.onFreed('fs1.a', false);
      readAgain(['b', 1_400]);
      again.onCaughtUp();
      now = 700;
      expect(again.usage(LIMIT).recent).toBe(1);
    });

    it('counts the calls of the last second only, and those whose places are free', () => {
      view.onTaken(place('a', 1_000));
      now = 5_000;
      view.onTaken(place('b', 6_000));
      view.onFreed('fs1.b', false);
      readAgain(['a', 1_000]);
      again.onCaughtUp();
      expect(again.usage(LIMIT)).toEqual({ used: 1, recent: 1 });
      now = 6_000;
      readAgain(['a', 1_000]);
      again.onCaughtUp();
      expect(again.usage(LIMIT)).toEqual({ used: 1, recent: 0 });
    });
  });

  it('lists the calls of a node, and the places of a call', () => {
    view.onTaken(place('a', 1_000));
    view.onTaken(place('b', 1_000, 'fs2'));
    expect(view.owners('fs1')).toEqual(['a']);
    expect(view.placesOf('b').map(({ subject }) => subject)).toEqual(['fs2.b']);
    view.onFreed('fs1.a', false);
    expect(view.owners('fs1')).toEqual([]);
    expect(view.isUsedBy('fs1')).toBe(false);
    expect(view.isUsedBy('fs2')).toBe(true);
  });

  it('forgets places that JetStream has dropped, and limits that are not used', () => {
    view.onTaken(place('a', 1_000));
    view.onTaken(place('b', 50_000));
    view.trim(40_000);
    expect(view.owners('fs1')).toEqual(['b']);
    view.onFreed('fs1.b', true);
    view.trim(40_000);
    expect([...view.limits()]).toEqual([]);
  });

  it('reports the bound that is reached', () => {
    expect(exceeded({ max: 2 }, { used: 1, recent: 9 })).toBeUndefined();
    expect(exceeded({ max: 2 }, { used: 2, recent: 0 })).toBe('max');
    expect(exceeded({ max: 0 }, { used: 0, recent: 0 })).toBe('max');
    expect(exceeded({ rate: 5 }, { used: 99, recent: 5 })).toBe('rate');
    expect(exceeded({}, { used: 99, recent: 99 })).toBeUndefined();
  });
});
