import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CallQuery } from '#libs/contract/console.ts';
import { BUCKET_MS, type Overview, Overview as OverviewSchema } from '#libs/contract/overview.ts';
import type { TimelineStep } from '#libs/contract/timeline.ts';
import { Calls } from '#services/console/calls.ts';
import { binOf, quantile } from '#services/console/statistics/histogram.ts';
import { overviewOf } from '#services/console/statistics/overview.ts';
import { Overviews } from '#services/console/statistics/overviews.ts';
import { Statistics } from '#services/console/statistics/statistics.ts';
import { windowOf } from '#services/console/statistics/window.ts';
import {
  answeredCall,
  at,
  attempted,
  caller,
  decided,
  ENDPOINT,
  fromCache,
  published,
  received,
  requested,
  START,
  undecided,
} from '#test/support/console/steps.ts';
import { traffic } from '#test/support/console/traffic.ts';

const HOUR = 3_600_000;
const NOW = START + 12 * HOUR;

/** A console's memory that has read these steps. */
function memoryOf(steps: readonly TimelineStep[], max = 10_000, clock = { now: NOW }) {
  const statistics = new Statistics(() => clock.now);
  const calls = new Calls(max, {
    onChange: (record) => statistics.count(record),
    onDropLive: (record) => statistics.drop(record),
  });
  let order = 0;
  for (const step of steps) calls.add(step, ++order);
  const overview = (query: { hours?: number; since?: string; until?: string } = { hours: 24 }): Overview =>
    overviewOf(statistics, calls.records(), windowOf({ hours: 1, ...query }, clock.now));
  return { calls, statistics, overview };
}

describe('quantiles', () => {
  it('are within 1 % of the exact ones', () => {
    const durations = fc.array(fc.double({ min: 0.01, max: 100_000, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(durations, fc.constantFrom(0.5, 0.9, 0.99), (all, q) => {
        const bins = new Map<string, number>();
        for (const ms of all) bins.set(String(binOf(ms)), (bins.get(String(binOf(ms))) ?? 0) + 1);
        const exact = all.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(all.length * q) - 1)] ?? 0;
        // Half a bin, and the rounding to three digits.
        expect(Math.abs((quantile(bins, q) ?? 0) - exact) / exact).toBeLessThan(0.0155);
      }),
    );
  });

  it('do not exist without durations', () => expect(quantile(new Map(), 0.5)).toBeUndefined());
});

describe('the overview', () => {
  it('counts calls by outcome with their reasons, and talk time', () => {
    const [one, two, three, four, five] = [caller(), caller(), caller(), caller(), caller()] as const;
    const busy = published(two, 'hangup', 3000) as Extract<TimelineStep, { step: 'published' }>;
    const { overview } = memoryOf([
      ...answeredCall(one),
      received(two),
      decided(two),
      { ...busy, notification: { ...busy.notification, cause: 'USER_BUSY', billable_ms: 0 } } as TimelineStep,
      received(three),
      undecided(three),
      received(four),
      requested(four),
      received(five),
      decided(five),
      published(five, 'answer', 900),
    ]);
    const { total, failed, not_decided, live } = overview();
    expect(total).toMatchObject({ calls: 5, answered: 2, failed: 1, not_decided: 1, unknown: 1 });
    expect(total).toMatchObject({ talk_ms: 7100, talked: 1 });
    expect(failed).toEqual([{ reason: 'USER_BUSY', calls: 1 }]);
    expect(not_decided).toEqual([{ reason: 'response_timeout', calls: 1 }]);
    expect(live).toBe(3);
  });

  it('has the phases of the requests, and the rest of the decision as `other`', () => {
    const [one, two] = [caller(), caller()];
    const { total, endpoints } = memoryOf([
      ...answeredCall(one),
      received(two),
      fromCache(two),
      decided(two),
    ]).overview();
    expect(total.phases).toEqual({
      ...{ queue: 0, dns: 0.5, connect: 0.6, tls: 0, ttfb: 2.5, body: 0.2 },
      other: 11.5 - 7.6 / 2,
    });
    expect(endpoints).toMatchObject([
      { origin: new URL(ENDPOINT).origin, calls: 2, answered: 1, unknown: 1, requests: 1, failures: 0 },
    ]);
  });

  it('has the called legs by gateway', () => {
    const call = caller();
    const hangup = published(call, 'hangup', 8000) as Extract<TimelineStep, { step: 'published' }>;
    const tried = [
      { leg: 'b1', number: '1', gateway: 'a', cause: 'USER_BUSY', answered: false, talk_ms: 0 },
      { leg: 'b2', number: '1', gateway: 'b', cause: 'NONE', answered: true },
      { leg: 'b3', number: '1', cause: 'NONE', answered: false },
    ];
    const { overview, calls } = memoryOf([
      received(call),
      { ...hangup, notification: { ...hangup.notification, tried } } as TimelineStep,
    ]);
    expect(overview().gateways).toEqual([
      { gateway: 'a', legs: 1, answered: 0, talk_ms: 0 },
      { gateway: 'b', legs: 1, answered: 1, talk_ms: 7100 },
    ]);
    expect(calls.search(CallQuery.parse({ gateway: 'b' })).calls).toHaveLength(1);
    expect(calls.search(CallQuery.parse({ gateway: 'c' })).calls).toHaveLength(0);
  });

  it('shows live calls at each point of time, and calls that began before the window', () => {
    const call = caller({ start: 0 });
    const { overview } = memoryOf(answeredCall(call).concat(received(caller({ start: 4 * HOUR }))));
    const { series } = overview({ since: at(4 * HOUR - BUCKET_MS), until: at(4 * HOUR + BUCKET_MS) });
    expect(series.time).toHaveLength(2);
    expect(series.live).toEqual([0, 1]);
    expect(overview({ since: at(5 * HOUR), until: at(6 * HOUR) }).series.live.at(-1)).toBe(1);
  });

  it('does not count a call without notifications as live after its decision', () => {
    const call = caller();
    const silent = { ...received(call), notify: false } as TimelineStep;
    for (const steps of [
      [silent, decided(call)],
      [decided(call), silent],
    ]) {
      const { overview, calls } = memoryOf(steps);
      expect(overview()).toMatchObject({ live: 0, total: { calls: 1, unknown: 1 } });
      expect(calls.search(CallQuery.parse({}))).toMatchObject({ live: 0, calls: [{ state: 'routed' }] });
      expect(calls.search(CallQuery.parse({ state: 'live' })).calls).toEqual([]);
    }
    expect(memoryOf([silent]).overview().live).toBe(1);
  });

  it('shows pending notifications with the age of the oldest', () => {
    const call = caller();
    const steps = [received(call), published(call, 'ring', 300), published(call, 'answer', 900)];
    const { notifications } = memoryOf([
      ...steps,
      attempted(call, 'ring', 310),
      attempted(call, 'answer', 910, 1, 'retried'),
    ]).overview();
    expect(notifications).toEqual({
      ...{ published: 2, delivered: 1, retried: 1, dead: 0, pending: 1 },
      oldest: new Date(START + call.start + 900).toISOString(),
    });
  });

  it('is the same in whatever order the steps come', () => {
    const steps = traffic(NOW, 10, 0.2);
    const inOrder = memoryOf(steps).overview();
    expect(inOrder.total.calls).toBeGreaterThan(50);
    expect(OverviewSchema.parse(inOrder)).toEqual(inOrder);
    const firsts = steps.filter(({ step }) => step !== 'attempted').toReversed();
    const last = steps.filter(({ step }) => step === 'attempted');
    expect(memoryOf([...firsts, ...last]).overview()).toEqual(inOrder);
  });

  it('counts the calls that the search finds, for every number', () => {
    const { overview, calls } = memoryOf(traffic(NOW, 90, 0.3));
    const { since, until, total, failed, not_decided, nodes, endpoints, notifications } = overview({
      hours: 1,
    });
    const found = (filter: object) => {
      const all = calls.search(CallQuery.parse({ since, until, limit: 500, ...filter }));
      let { length } = all.calls;
      for (let { next } = all; next !== undefined; ) {
        const page = calls.search(CallQuery.parse({ since, until, limit: 500, cursor: next, ...filter }));
        length += page.calls.length;
        ({ next } = page);
      }
      return length;
    };
    expect(total.calls).toBeGreaterThan(500);
    expect(found({})).toBe(total.calls);
    for (const outcome of ['answered', 'failed', 'not_decided', 'unknown'] as const)
      expect(found({ outcome }), outcome).toBe(total[outcome]);
    for (const { reason, calls: n } of failed) expect(found({ outcome: 'failed', cause: reason })).toBe(n);
    for (const { reason, calls: n } of not_decided) expect(found({ result: reason })).toBe(n);
    for (const one of nodes) expect(found({ node: one.node })).toBe(one.calls);
    for (const one of endpoints) expect(found({ endpoint: one.origin })).toBe(one.calls);
    expect(notifications.pending).toBeGreaterThan(0);
    expect(found({ notifications: 'pending', since: undefined })).toBe(notifications.pending);
  });

  it('keeps the numbers of calls that are no longer in memory, and a day of them', () => {
    const steps = traffic(NOW, 60, 0.2);
    const clock = { now: NOW };
    const small = memoryOf(steps, 50, clock);
    expect(small.calls.size).toBe(50);
    expect(small.overview().total.calls).toBe(memoryOf(steps).overview().total.calls);
    clock.now += 23.5 * HOUR;
    const half = small.overview().total.calls;
    expect(half).toBeGreaterThan(0);
    expect(half).toBeLessThan(memoryOf(steps).overview().total.calls);
    clock.now += HOUR;
    expect(small.overview()).toMatchObject({
      total: { calls: 0 },
      live: small.overview({ hours: 1 }).series.live.at(-1),
    });
  });

  it('says since when calls are counted: the oldest step, and a day at most', () => {
    const clock = { now: START + 10 * HOUR };
    const { overview } = memoryOf([received(caller({ start: HOUR }))], 100, clock);
    expect(overview().kept_since).toBe(at(HOUR));
    clock.now = START + 48 * HOUR;
    expect(overview().kept_since).toBe(at(24 * HOUR));
    expect(overview()).toMatchObject({ since: at(24 * HOUR), total: { calls: 0 } });
    const old = overview({ since: at(0), until: at(2 * HOUR) });
    expect(old).toMatchObject({ kept_since: at(24 * HOUR), total: { calls: 0 } });
  });

  it('keeps a bounded number of buckets without any overview, and all live calls', () => {
    const clock = { now: NOW };
    const { calls, statistics, overview } = memoryOf([], 100, clock);
    let most = 0;
    for (let ms = 0; ms < 26 * HOUR; ms += BUCKET_MS) {
      clock.now = START + ms;
      calls.add(received(caller({ start: ms })), ms);
      most = Math.max(most, statistics.size);
    }
    const day = (24 * HOUR) / BUCKET_MS;
    expect(most).toBeGreaterThanOrEqual(day);
    expect(most).toBeLessThan(1.02 * day);
    expect(overview()).toMatchObject({ live: 100, total: { calls: day } });
  });

  it('counts the end of a call by a clock that is hours ahead as an end in ten minutes', () => {
    const clock = { now: NOW };
    const { calls, statistics, overview } = memoryOf([], 100, clock);
    const all = [1, 2, 3].map((hours) => {
      const call = caller({ start: 11.9 * HOUR });
      for (const step of [received(call), decided(call), published(call, 'hangup', hours * HOUR)])
        calls.add(step, hours);
      return call;
    });
    expect(statistics.size).toBe(2);
    expect(overview()).toMatchObject({ live: 0, total: { calls: 3 } });
    clock.now += HOUR / 2;
    for (const call of all) calls.add(attempted(call, 'hangup', HOUR), 4);
    clock.now += HOUR / 4;
    expect(overview()).toMatchObject({ live: 0, total: { calls: 3 }, notifications: { delivered: 3 } });
    expect(overview().series.live.at(-1)).toBe(0);
    expect(Math.min(...overview().series.live)).toBe(0);
  });

  it('does not count a call whose beginning the stream has dropped, nor one of a clock that is hours ahead', () => {
    const [cut, ahead] = [caller(), caller({ start: 20 * HOUR })];
    expect(memoryOf([...answeredCall(cut).slice(1), received(ahead)]).overview().total.calls).toBe(0);
  });
});

describe('an overview that several pages show', () => {
  it('is counted once in a short time, for each window', () => {
    const clock = { now: NOW };
    const { statistics, calls } = memoryOf([received(caller({ start: 11.9 * HOUR }))], 100, clock);
    const overviews = new Overviews(
      statistics,
      () => calls.records(),
      () => clock.now,
    );
    const first = overviews.of({ hours: 1 });
    expect(overviews.of({ hours: 1 })).toBe(first);
    expect(overviews.of({ hours: 6 })).not.toBe(first);
    calls.add(received(caller({ start: 11.9 * HOUR })), 2);
    clock.now += 1000;
    expect([first.total.calls, overviews.of({ hours: 1 }).total.calls]).toEqual([1, 2]);
  });
});

describe('the window', () => {
  const window = (query: object) => windowOf({ hours: 1, ...query }, NOW);
  it('consists of whole buckets and has at most 120 points', () => {
    for (const hours of [1, 6, 24]) {
      const { first, end, step } = window({ hours });
      expect((end - first) * BUCKET_MS).toBe(hours * HOUR);
      expect((end - first) / step).toBeLessThanOrEqual(120);
    }
  });
  it.each([
    [{ since: new Date(NOW).toISOString() }, 'since: must be earlier than until'],
    [{ since: new Date(NOW - 25 * HOUR).toISOString() }, 'since: a window has at most 24 hours'],
  ])('refuses %o', (query, message) => expect(() => window(query)).toThrow(message));
});
