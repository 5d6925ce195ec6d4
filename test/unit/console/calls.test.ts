import { describe, expect, it } from 'vitest';
import { CallDetail, CallQuery } from '#libs/contract/console.ts';
import type { TimelineStep } from '#libs/contract/timeline.ts';
import { summaryOf } from '#services/console/call-record.ts';
import { Calls } from '#services/console/calls.ts';
import { detailOf } from '#services/console/detail.ts';
import {
  answeredCall,
  at,
  attempted,
  type Caller,
  caller,
  decided,
  ENDPOINT,
  published,
  received,
  requested,
  undecided,
} from '#test/support/console/steps.ts';

const query = (given: Partial<CallQuery> = {}): CallQuery => CallQuery.parse(given);

function keep(max: number, ...timelines: (readonly TimelineStep[])[]): Calls {
  const calls = new Calls(max);
  let order = 0;
  for (const step of timelines.flat()) calls.add(step, ++order);
  return calls;
}
const uuids = (calls: Calls, given: Partial<CallQuery>) =>
  calls.search(query(given)).calls.map(({ uuid }) => uuid);

describe('the summary of a call', () => {
  const call = caller();
  it.each<[string, TimelineStep[]]>([
    ['deciding', [received(call), requested(call)]],
    ['routed', [received(call), requested(call), decided(call)]],
    ['ringing', [received(call), decided(call), published(call, 'ring', 300)]],
    [
      'answered',
      [received(call), decided(call), published(call, 'ring', 300), published(call, 'answer', 900)],
    ],
    ['ended', answeredCall(call)],
    ['deciding', [received(call), decided(call), published(call, 'ring', 300), received(call, 500, 2)]],
    ['ended', [received(call), { ...undecided(call), result: 'caller_gone' } as TimelineStep]],
  ])('is %s', (state, steps) => {
    expect(summaryOf(steps)?.state).toBe(state);
  });

  it('says all that a list shows', () => {
    expect(summaryOf(answeredCall(call))).toEqual({
      uuid: call.uuid,
      node: 'fs1',
      state: 'ended',
      outcome: 'answered',
      started: at(call.start),
      updated: at(call.start + 8010),
      from: call.from,
      from_name: '张三',
      to: call.to,
      endpoint: ENDPOINT,
      result: 'decided',
      decision_ms: 11.5,
      cause: 'NORMAL_CLEARING',
      hangup_by: 'caller',
      sip_status: 200,
      duration_ms: 8000,
      billable_ms: 7100,
      notifications: { published: 3, delivered: 3, retried: 0, dead: 0 },
    });
  });

  it('is the same in whatever order the steps come, after the first', () => {
    const endpoint = 'https://fallback.example/calls';
    const fallback = { ...requested(call, 11), endpoint } as TimelineStep;
    const [first, ...rest] = answeredCall(call).concat(fallback) as [TimelineStep, ...TimelineStep[]];
    expect(summaryOf([first, ...rest])).toMatchObject({ endpoint });
    for (let turn = 0; turn < rest.length; turn++) {
      const turned = [...rest.slice(turn), ...rest.slice(0, turn)];
      expect(summaryOf([first, ...turned])).toEqual(summaryOf([first, ...rest]));
      expect(summaryOf([first, ...turned.toReversed()])).toEqual(summaryOf([first, ...rest]));
    }
  });

  it('counts a notification by its last attempt', () => {
    const steps = [published(call, 'ring', 300), attempted(call, 'ring', 310, 1, 'retried')];
    expect(summaryOf(steps)?.notifications).toEqual({ published: 1, delivered: 0, retried: 1, dead: 0 });
    const dead = [...steps, attempted(call, 'ring', 5310, 2, 'dead')];
    expect(summaryOf(dead)?.notifications).toEqual({ published: 1, delivered: 0, retried: 0, dead: 1 });
    const replayed = [...dead, attempted(call, 'ring', 9000, 1)];
    expect(summaryOf(replayed)?.notifications).toEqual({ published: 1, delivered: 1, retried: 0, dead: 0 });
  });
});

describe('the calls of late', () => {
  it('are found by uuid, number, node, result, state, time and anything', () => {
    const one = caller({ node: 'fs1', from: '13800000001', name: 'Ana María' });
    const two = caller({ node: 'fs2', from: '13900000002' });
    const three = caller({ node: 'fs2', to: '95588' });
    const calls = keep(10, answeredCall(one), [received(two), undecided(two)], [received(three)]);
    expect(uuids(calls, {})).toEqual([three.uuid, two.uuid, one.uuid]);
    expect(uuids(calls, { uuid: two.uuid.slice(0, -1) })).toContain(two.uuid);
    expect(uuids(calls, { number: '3900000002' })).toEqual([two.uuid]);
    expect(uuids(calls, { node: 'fs1' })).toEqual([one.uuid]);
    expect(uuids(keep(1, [received(caller({ to: 'Desk' }))]), { number: 'DESK' })).toHaveLength(1);
    expect(uuids(calls, { result: 'response_timeout' })).toEqual([two.uuid]);
    expect(uuids(calls, { state: 'ended' })).toEqual([one.uuid]);
    expect(uuids(calls, { state: 'live' })).toEqual([three.uuid, two.uuid]);
    expect(uuids(calls, { since: at(two.start), until: at(three.start) })).toEqual([two.uuid]);
    for (const q of ['ana mar', one.uuid, '13800000001', 'fs1', 'normal_clearing', ' decided'])
      expect(uuids(calls, { q })).toEqual([one.uuid]);
    expect(uuids(calls, { q: '95588' })).toEqual([three.uuid]);
    expect(calls.search(query())).toMatchObject({ live: 2, kept: 3 });
    expect(Object.fromEntries(calls.live())).toEqual({ fs2: 2 });
  });

  it('are read page by page', () => {
    const five = Array.from({ length: 5 }, () => caller());
    const calls = keep(10, ...five.map((call) => [received(call)]));
    const seen: string[] = [];
    for (let cursor: number | undefined; ; ) {
      const page = calls.search(query({ limit: 2, cursor }));
      seen.push(...page.calls.map(({ uuid }) => uuid));
      cursor = page.next;
      if (cursor === undefined) break;
    }
    expect(seen).toEqual(five.map(({ uuid }) => uuid).reverse());
  });

  it('are complete since a time after the start of each call that was dropped, in any format', () => {
    const calls = keep(1, ...[500, 1500].map((start) => [received(caller({ start }))]));
    expect(calls.hasAll()).toBe(false);
    for (const since of [at(0), at(0).replace('.000', ''), at(500)])
      expect(calls.hasAll(since), since).toBe(false);
    for (const since of [at(501), at(1000).replace('.000', '')])
      expect(calls.hasAll(since), since).toBe(true);
  });

  it('are bounded: the oldest go, and a late step does not bring one back as new', () => {
    const three = [caller(), caller(), caller()] as const;
    const calls = keep(2, ...three.map((call: Caller) => answeredCall(call)));
    expect(uuids(calls, {})).toEqual([three[2].uuid, three[1].uuid]);
    expect(calls.add(attempted(three[0], 'hangup', 99_000), 99)).toBeUndefined();
    expect(calls.search(query()).kept).toBe(2);
  });

  it('leave out the later steps of a dropped live call, unless the stream itself begins with them', () => {
    const [one, two, three] = [caller(), caller(), caller()] as const;
    const cut = answeredCall(one).slice(1);
    expect(uuids(keep(3, [received(two)], [received(three)], cut), {})).toEqual([
      one.uuid,
      three.uuid,
      two.uuid,
    ]);
    const calls = keep(2, [received(one)], [received(two)], [received(three)], cut.slice(0, 2));
    expect(uuids(calls, {})).toEqual([three.uuid]);
  });
});

describe('the detail of a call', () => {
  it('has each decision and each notification with its attempts, in order of time', () => {
    const call = caller();
    const again = [
      received(call, 2000, 2),
      requested(call, 2010),
      { ...decided(call, 2012), ms: 5 } as TimelineStep,
    ];
    const late = attempted(call, 'ring', 305, 1, 'retried');
    const detail = detailOf(
      [...answeredCall(call), ...again, late],
      'http://grafana/trace/{trace_id}?c={uuid}',
    );
    expect(CallDetail.parse(detail)).toEqual(detail);
    expect(detail?.trace_url).toBe(`http://grafana/trace/${call.uuid.replaceAll('-', '')}?c=${call.uuid}`);
    expect(
      detail?.decisions.map(({ request, requested, decided }) => [
        request?.attempt,
        requested.length,
        decided?.ms,
      ]),
    ).toEqual([
      [1, 1, 11.5],
      [2, 1, 5],
    ]);
    expect(
      detail?.notifications.map(({ state, attempts }) => [state, attempts.map(({ outcome }) => outcome)]),
    ).toEqual([
      ['delivered', ['retried', 'delivered']],
      ['delivered', ['delivered']],
      ['delivered', ['delivered']],
    ]);
    const times = detail?.steps.map(({ time }) => time) ?? [];
    expect(times).toEqual(times.toSorted());
  });

  it('exists as soon as one step is known, and invents nothing', () => {
    const call = caller();
    const detail = detailOf([attempted(call, 'hangup', 10, 3, 'dead')], undefined);
    expect(CallDetail.parse(detail)).toEqual(detail);
    expect(detail).toMatchObject({
      decisions: [],
      notifications: [{ state: 'dead', attempts: [{ attempt: 3 }] }],
    });
    expect(detailOf([], undefined)).toBeUndefined();
  });
});
