import { describe, expect, it } from 'vitest';
import { account, type CallTruth, complete } from '#deploy/local/account.ts';

const answered: CallTruth = {
  uuid: 'c1',
  result: 'decided',
  progress: [
    { leg: 'b1', action: 'ring' },
    { leg: 'b1', action: 'answer' },
    { leg: 'c1', action: 'hangup' },
  ],
  decisionMs: 4,
};
const inOrder = ['c1.b1.ring', 'c1.b1.answer', 'c1.c1.hangup'];
const told = (...ids: string[]) => account([answered], new Map([['c1', ids]]));

describe('account', () => {
  it('finds nothing wrong when the endpoint was told all, once, in order', () => {
    const summary = told(...inOrder);
    expect(summary.notifications).toEqual({
      expected: 3,
      delivered: 3,
      repeated: 0,
      out_of_order: 0,
      lost: 0,
      unexpected: 0,
    });
    expect(complete(summary)).toBe(true);
  });

  it.each([
    ['lost', ['c1.b1.ring', 'c1.c1.hangup'], { lost: 1 }],
    ['repeated', [...inOrder, 'c1.b1.ring'], { repeated: 1, out_of_order: 0 }],
    ['out_of_order', ['c1.b1.answer', 'c1.b1.ring', 'c1.c1.hangup'], { out_of_order: 1 }],
    ['unexpected', [...inOrder, 'c1.b2.ring'], { unexpected: 1 }],
  ])('counts what is %s', (_, ids, wrong) => {
    const summary = told(...ids);
    expect(summary.notifications).toMatchObject(wrong);
    expect(complete(summary)).toBe(false);
  });

  it('counts what was told about a call that never was', () => {
    const summary = account([], new Map([['ghost', ['ghost.ghost.hangup']]]));
    expect(summary.notifications.unexpected).toBe(1);
  });

  it('sorts calls by their result and leaves callers who gave up out of those that fell through', () => {
    const quiet = { progress: [], decisionMs: undefined };
    const summary = account(
      [
        { uuid: 'a', result: 'decided', ...quiet, decisionMs: 3 },
        { uuid: 'b', result: 'http_status', ...quiet, decisionMs: 9 },
        { uuid: 'c', result: undefined, ...quiet },
      ],
      new Map(),
    );
    expect(summary).toMatchObject({
      calls: 3,
      decided: 1,
      dialplan_continued: 1,
      by_result: { decided: 1, http_status: 1, caller_gone: 1 },
      decision_ms: { p50: 9, p99: 9 },
    });
  });
});
