import { describe, expect, it } from 'vitest';
import type { TimelineStep } from '#libs/contract/timeline.ts';
import { detailOf } from '#services/console/detail.ts';
import { scaleOf, sequenceOf } from '#services/console/page/sequence.js';
import {
  answeredCall,
  attempted,
  caller,
  decided,
  ENDPOINT,
  fromCache,
  published,
  received,
  requested,
  undecided,
} from '#test/support/console/steps.ts';

const call = caller();
const leg = call.uuid.replace(/^0{8}/, 'bbbbbbbb');
const endpoint = `endpoint ${new URL(ENDPOINT).host}`;

function drawn(steps: readonly TimelineStep[]) {
  const detail = detailOf(steps, undefined);
  if (detail === undefined) throw new Error('no steps');
  return sequenceOf(detail);
}
const arrows = (steps: readonly TimelineStep[]) =>
  drawn(steps).arrows.map(({ at, from, to, key }) => `${at} ${from} -> ${to}: ${key}`);

describe('the sequence diagram', () => {
  it('has a lane for the caller, FreeSWITCH, each endpoint and each called leg', () => {
    expect(drawn(answeredCall(call)).lanes).toEqual([
      { id: 'caller', kind: 'caller', name: call.from },
      { id: 'freeswitch', kind: 'freeswitch', name: call.node },
      { id: endpoint, kind: 'endpoint', name: 'crm.example:8080' },
      { id: leg, kind: 'leg', name: call.to },
    ]);
  });

  it('has requests, answers, rings, the hangup and notifications, each at its time', () => {
    expect(arrows(answeredCall(call))).toEqual([
      '0 caller -> freeswitch: sequence.invite',
      `1.5999999999999996 freeswitch -> ${endpoint}: request`,
      `10 ${endpoint} -> freeswitch: sequence.response`,
      '12 freeswitch -> freeswitch: sequence.decided',
      `300 ${leg} -> freeswitch: sequence.ring`,
      `310 freeswitch -> ${endpoint}: sequence.delivered`,
      `900 ${leg} -> freeswitch: sequence.answer`,
      `910 freeswitch -> ${endpoint}: sequence.delivered`,
      '8000 caller -> freeswitch: sequence.hangup',
      `8010 freeswitch -> ${endpoint}: sequence.delivered`,
    ]);
  });

  it('shows how long the decision, the ringing and the talk took', () => {
    expect(drawn(answeredCall(call)).bars).toEqual([
      { lane: leg, from: 300, to: 900, kind: 'ringing' },
      { lane: leg, from: 900, to: 8000, kind: 'talking' },
      { lane: 'freeswitch', from: 0, to: 12, kind: 'deciding' },
    ]);
  });

  it('ends the bar of a live call at its last step', () => {
    const live = [received(call), decided(call), published(call, 'ring', 300), attempted(call, 'ring', 4000)];
    expect(drawn(live).bars[0]).toEqual({ lane: leg, from: 300, to: 4000, kind: 'ringing' });
  });

  it('shows a request without a decision, a cached decision, a further attempt and a dead letter', () => {
    const failing = { ...requested(call), result: 'response_timeout' } as TimelineStep;
    const steps = [
      received(call),
      failing,
      undecided(call),
      received(call, 2000, 2),
      fromCache(call, 2001),
      attempted(call, 'hangup', 9000, 8, 'dead'),
    ];
    expect(arrows(steps).slice(2)).toEqual([
      `10 ${endpoint} -> freeswitch: sequence.failed`,
      '1000 freeswitch -> freeswitch: sequence.failed',
      '2000 freeswitch -> freeswitch: reason.failed',
      '2001 freeswitch -> freeswitch: cache.stale',
      `9000 freeswitch -> ${endpoint}: sequence.dead`,
    ]);
  });

  it('shows the called party, and what it caused, when it hangs up', () => {
    const hangup = published(call, 'hangup', 5000) as Extract<TimelineStep, { step: 'published' }>;
    const tried = [{ leg, number: call.to, cause: 'NONE', answered: true }];
    const notification = { ...hangup.notification, hangup_by: 'callee', tried };
    const steps = [
      received(call),
      published(call, 'answer', 900),
      { ...hangup, notification } as TimelineStep,
    ];
    expect(arrows(steps).slice(2)).toEqual([
      `5000 ${leg} -> freeswitch: sequence.hangup`,
      '5000 freeswitch -> caller: sequence.bye',
    ]);
  });
});

describe('the scale', () => {
  it('keeps the order, leaves room for each text, and grows with the logarithm of the time', () => {
    const { rows, height } = scaleOf([0, 0, 9, 108, 1107]);
    const gaps = rows.slice(1).map((y: number, n: number) => y - (rows[n] ?? 0));
    const [same = 0, ten = 0, hundred = 0, thousand = 0] = gaps;
    expect(same).toBeGreaterThan(15);
    expect(hundred - ten).toBeCloseTo(ten - same);
    expect(thousand - hundred).toBeCloseTo(hundred - ten);
    expect(height).toBeGreaterThan(rows.at(-1) ?? 0);
  });

  it('leaves room for a second line of text below an arrow', () => {
    const [one, two] = [scaleOf([0, 1, 2]), scaleOf([0, 1, 2], [1, 2, 2])];
    expect(two.rows.slice(0, 2)).toEqual(one.rows.slice(0, 2));
    expect((two.rows[2] ?? 0) - (one.rows[2] ?? 0)).toBeGreaterThan(11);
    expect(two.height - one.height).toBeGreaterThan(22);
  });

  it('puts a time between two arrows between their heights', () => {
    const { rows, yOf } = scaleOf([0, 100, 10_000]);
    expect([yOf(0), yOf(100), yOf(10_000)]).toEqual(rows);
    expect(yOf(1000)).toBeGreaterThan(rows[1] ?? 0);
    expect(yOf(1000)).toBeLessThan(rows[2] ?? 0);
    expect(yOf(99_999)).toBe(rows[2]);
  });
});
