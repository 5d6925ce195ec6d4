import { describe, expect, test } from 'vitest';
import { FALLBACK, type PlacedCall } from './calls.ts';
import type { Allowed } from './faults.ts';
import { type Evidence, judge, outcomeOf } from './judge.ts';
import type { CallTold } from './switch.ts';

const bridge = (data: string) => ({ name: 'bridge', data });

function call(record: Partial<CallTold> = {}, cancels = false): PlacedCall {
  const whole: CallTold = {
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

const TOLD = ['a.b.ring', 'a.b.answer', 'a.a.hangup'];

const verdict = (
  one: PlacedCall,
  told: readonly string[],
  allowed: Allowed = {},
  more: Partial<Evidence> = {},
) =>
  judge({
    fault: 'f',
    allowed,
    calls: [one],
    waits: new Map([['a', 100]]),
    waitLimitMs: 1000,
    ownLagMs: 0,
    arrivals: new Map([['a', told]]),
    known: new Set(['a']),
    backAfterMs: 0,
    missing: undefined,
    ...more,
  });

describe('outcomeOf', () => {
  test.each<[string, PlacedCall, Allowed]>([
    ['decided', call(), {}],
    ['dialplan_continued', call({ applications: [bridge(`${FALLBACK}1`)] }), {}],
    ['gave_up', call({ applications: [], variables: {}, cause: 'ORIGINATOR_CANCEL' }, true), {}],
    ['stuck', call({ applications: [], variables: {}, cause: 'ORIGINATOR_CANCEL' }), {}],
    ['stuck', call({ applications: [], variables: {}, cause: 'CRASH' }), {}],
    ['crashed', call({ applications: [], variables: {}, cause: 'CRASH' }), { crashed: ['fs1'] }],
    ['stuck', { ...call(), record: undefined }, {}],
  ])('%s', (outcome, one, allowed) => {
    expect(outcomeOf(one, allowed)).toBe(outcome);
  });
});

describe('judge', () => {
  test('finds every promise kept', () => {
    expect(verdict(call(), TOLD)).toMatchObject({
      ok: true,
      broken: [],
      expected: 3,
      delivered: 3,
      worst_wait_ms: 100,
    });
  });

  test.each<[string, readonly string[], Allowed, Partial<Evidence>, boolean]>([
    ['one lost', TOLD.slice(1), {}, {}, false],
    ['a called leg that nobody could see', TOLD.slice(1), { unseen: ['fs1'] }, {}, true],
    ['a hangup that nobody could see', TOLD.slice(0, 2), { unseen: ['fs1'] }, {}, false],
    ['one repeated', [...TOLD, 'a.b.ring'], {}, {}, false],
    ['one repeated where that may be', [...TOLD, 'a.b.ring'], { repeats: true }, {}, true],
    ['wrong order', ['a.b.answer', 'a.b.ring', 'a.a.hangup'], { repeats: true }, {}, false],
    ['a ghost', [...TOLD, 'a.x.ring'], {}, {}, false],
    ['too long a wait', TOLD, {}, { waits: new Map([['a', 1001]]) }, false],
    ['a wait where nothing got its turn', TOLD, {}, { waits: new Map([['a', 1500]]), ownLagMs: 50 }, true],
    ['too long a wait even there', TOLD, {}, { waits: new Map([['a', 1501]]), ownLagMs: 50 }, false],
    ['a cluster that stays ill', TOLD, {}, { backAfterMs: undefined }, false],
  ])('%s', (_, told, allowed, more, ok) => {
    expect(verdict(call(), told, allowed, more).ok).toBe(ok);
  });

  test('wants the end of a call that died with its switch told, when the endpoint knows of it', () => {
    const died = call({ cause: 'CRASH', progress: [{ leg: 'b', action: 'ring' }] });
    expect(verdict(died, ['a.b.ring'], { crashed: ['fs1'] })).toMatchObject({ expected: 2, lost: 1 });
    expect(verdict(died, ['a.b.ring', 'a.a.hangup'], { crashed: ['fs1'] })).toMatchObject({ ok: true });
    expect(verdict(died, ['a.b.ring'], {}, { known: new Set() })).toMatchObject({ expected: 1, lost: 0 });
  });

  test('believes an agent that heard more of a dying switch, and wants the end told all the same', () => {
    const partial = call({ cause: 'CRASH', variables: {}, progress: [], partial: true });
    const allowed = { crashed: ['fs1'] };
    expect(verdict(partial, ['a.b.ring', 'a.a.hangup'], allowed)).toMatchObject({ ok: true, expected: 2 });
    expect(verdict(partial, ['a.b.ring'], allowed)).toMatchObject({ expected: 2, lost: 1 });
    expect(verdict(partial, ['a.a.hangup', 'a.b.ring'], allowed)).toMatchObject({ out_of_order: 1 });
    expect(verdict(partial, [], allowed, { known: new Set() })).toMatchObject({ ok: true, expected: 0 });
  });

  test('expects nothing to be told of a call that no agent took', () => {
    const untouched = call({ variables: {}, applications: [bridge(`${FALLBACK}1`)] });
    const unknown = { known: new Set<string>() };
    expect(verdict(untouched, [], {}, unknown)).toMatchObject({
      ok: true,
      expected: 0,
      dialplan_continued: 1,
    });
    expect(verdict(untouched, ['a.b.ring'], {}, unknown)).toMatchObject({ ok: false, unexpected: 1 });
  });

  test('wants the end told to an endpoint that was asked, though no agent has marked the call', () => {
    const asked = call({ variables: {}, applications: [bridge(`${FALLBACK}1`)] });
    expect(verdict(asked, [])).toMatchObject({ ok: false, lost: 1, unseen: 2 });
    expect(verdict(asked, ['a.a.hangup'])).toMatchObject({ ok: true, unexpected: 0 });
    expect(verdict(asked, ['a.b.ring', 'a.a.hangup'])).toMatchObject({ ok: false, unexpected: 1 });
  });
});
