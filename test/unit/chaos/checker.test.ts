import { describe, expect, it } from 'vitest';
import { FALLBACK, type PlacedCall } from '#test/chaos/calls.ts';
import { check, type Evidence, outcomeOf } from '#test/chaos/checker.ts';
import type { Allowed } from '#test/chaos/fault.ts';
import type { ObservedCall } from '#test/chaos/node.ts';

const bridge = (data: string) => ({ name: 'bridge', data });

function call(record: Partial<ObservedCall> = {}, cancels = false): PlacedCall {
  const whole: ObservedCall = {
    cause: 'NORMAL_CLEARING',
    applications: [bridge('{}[]sofia/gateway/gw/1')],
    variables: { dialhook_call: 'a', dialhook_result: 'decided' },
    progress: [
      { leg: 'b', action: 'ring' },
      { leg: 'b', action: 'answer' },
      { leg: 'a', action: 'hangup' },
    ],
    ...record,
  };
  return { uuid: 'a', node: 'fs1', at: 0, endedAt: 1, cancels, record: whole };
}

const DELIVERED = ['a.b.ring', 'a.b.answer', 'a.a.hangup'];

const verdict = (
  one: PlacedCall,
  delivered: readonly string[],
  allowed: Allowed = {},
  more: Partial<Evidence> = {},
) =>
  check({
    fault: 'f',
    allowed,
    calls: [one],
    socketMs: new Map([['a', 100]]),
    socketLimitMs: 1000,
    ownLagMs: 0,
    arrivals: new Map([['a', delivered]]),
    delays: new Map([['a', 40]]),
    timedOut: new Map(),
    known: new Set(['a']),
    recoveredAfterMs: 0,
    problem: undefined,
    ...more,
  });

describe('outcomeOf', () => {
  it.each<[string, PlacedCall, Allowed]>([
    ['decided', call(), {}],
    ['dialplan_continued', call({ applications: [bridge(`${FALLBACK}1`)] }), {}],
    ['cancelled', call({ applications: [], variables: {}, cause: 'ORIGINATOR_CANCEL' }, true), {}],
    ['stuck', call({ applications: [], variables: {}, cause: 'ORIGINATOR_CANCEL' }), {}],
    ['stuck', call({ applications: [], variables: {}, cause: 'CRASH' }), {}],
    ['crashed', call({ applications: [], variables: {}, cause: 'CRASH' }), { crashed: ['fs1'] }],
    ['stuck', { ...call(), record: undefined }, {}],
  ])('%s', (outcome, one, allowed) => {
    expect(outcomeOf(one, allowed)).toBe(outcome);
  });
});

describe('check', () => {
  it('reports every promise kept', () => {
    expect(verdict(call(), DELIVERED)).toMatchObject({
      ok: true,
      broken: [],
      expected: 3,
      delivered: 3,
      longest_socket_ms: 100,
      longest_delay_ms: 40,
    });
  });

  it.each<[string, readonly string[], Allowed, Partial<Evidence>, boolean]>([
    ['a lost notification breaks a promise', DELIVERED.slice(1), {}, {}, false],
    [
      'a lost ring is allowed while no agent is connected',
      DELIVERED.slice(1),
      { unobserved: ['fs1'] },
      {},
      true,
    ],
    [
      'a lost hangup is not allowed while no agent is connected',
      DELIVERED.slice(0, 2),
      { unobserved: ['fs1'] },
      {},
      false,
    ],
    ['a repeated notification breaks a promise', [...DELIVERED, 'a.b.ring'], {}, {}, false],
    [
      'a repeated notification is explained by an attempt that timed out while the endpoint was starved',
      [...DELIVERED, 'a.b.ring'],
      {},
      { ownLagMs: 600, timedOut: new Map([['a.b.ring', 1]]) },
      true,
    ],
    [
      'a notification repeated more often than attempts timed out breaks a promise',
      [...DELIVERED, 'a.b.ring', 'a.b.ring'],
      {},
      { ownLagMs: 600, timedOut: new Map([['a.b.ring', 1]]) },
      false,
    ],
    [
      'an attempt that timed out explains nothing when the endpoint was not starved',
      [...DELIVERED, 'a.b.ring'],
      {},
      { ownLagMs: 20, timedOut: new Map([['a.b.ring', 1]]) },
      false,
    ],
    [
      'a repeated notification is allowed if the fault allows repeats',
      [...DELIVERED, 'a.b.ring'],
      { repeats: true },
      {},
      true,
    ],
    [
      'a wrong order breaks a promise',
      ['a.b.answer', 'a.b.ring', 'a.a.hangup'],
      { repeats: true },
      {},
      false,
    ],
    ['a notification of an unknown leg breaks a promise', [...DELIVERED, 'a.x.ring'], {}, {}, false],
    [
      'a time in socket above the limit breaks a promise',
      DELIVERED,
      {},
      { socketMs: new Map([['a', 1001]]) },
      false,
    ],
    [
      'a time in socket above the limit is allowed if the chaos process was not scheduled',
      DELIVERED,
      {},
      { socketMs: new Map([['a', 1500]]), ownLagMs: 50 },
      true,
    ],
    [
      'a longer time in socket breaks a promise even then',
      DELIVERED,
      {},
      { socketMs: new Map([['a', 1501]]), ownLagMs: 50 },
      false,
    ],
    [
      'a cluster that does not recover breaks a promise',
      DELIVERED,
      {},
      { recoveredAfterMs: undefined },
      false,
    ],
  ])('%s', (_, delivered, allowed, more, ok) => {
    expect(verdict(call(), delivered, allowed, more).ok).toBe(ok);
  });

  it('expects the hangup of a call that crashed with its node, if the endpoint knows the call', () => {
    const crashed = call({ cause: 'CRASH', progress: [{ leg: 'b', action: 'ring' }] });
    expect(verdict(crashed, ['a.b.ring'], { crashed: ['fs1'] })).toMatchObject({ expected: 2, lost: 1 });
    expect(verdict(crashed, ['a.b.ring', 'a.a.hangup'], { crashed: ['fs1'] })).toMatchObject({ ok: true });
    expect(verdict(crashed, ['a.b.ring'], {}, { known: new Set() })).toMatchObject({ expected: 1, lost: 0 });
  });

  it('accepts notifications that only an agent saw before a crash, and expects the hangup', () => {
    const partial = call({ cause: 'CRASH', variables: {}, progress: [], partial: true });
    const allowed = { crashed: ['fs1'] };
    expect(verdict(partial, ['a.b.ring', 'a.a.hangup'], allowed)).toMatchObject({ ok: true, expected: 2 });
    expect(verdict(partial, ['a.b.ring'], allowed)).toMatchObject({ expected: 2, lost: 1 });
    expect(verdict(partial, ['a.a.hangup', 'a.b.ring'], allowed)).toMatchObject({ out_of_order: 1 });
    expect(verdict(partial, [], allowed, { known: new Set() })).toMatchObject({ ok: true, expected: 0 });
  });

  it('expects no notification of a call that no agent handled', () => {
    const untouched = call({ variables: {}, applications: [bridge(`${FALLBACK}1`)] });
    const unknown = { known: new Set<string>() };
    expect(verdict(untouched, [], {}, unknown)).toMatchObject({
      ok: true,
      expected: 0,
      dialplan_continued: 1,
    });
    expect(verdict(untouched, ['a.b.ring'], {}, unknown)).toMatchObject({ ok: false, unexpected: 1 });
  });

  it('expects the hangup at an endpoint that got a request for a call whose channel was not tagged', () => {
    const requested = call({ variables: {}, applications: [bridge(`${FALLBACK}1`)] });
    expect(verdict(requested, [])).toMatchObject({ ok: false, lost: 1, unobserved: 2 });
    expect(verdict(requested, ['a.a.hangup'])).toMatchObject({ ok: true, unexpected: 0 });
    expect(verdict(requested, ['a.b.ring', 'a.a.hangup'])).toMatchObject({ ok: false, unexpected: 1 });
  });
});
