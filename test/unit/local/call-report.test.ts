import { describe, expect, it } from 'vitest';
import { type CallOutcome, expectedProgress, isComplete, reportCalls } from '#deploy/local/call-report.ts';

const answered: CallOutcome = {
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
const report = (...ids: string[]) => reportCalls([answered], new Map([['c1', ids]]));

describe('reportCalls', () => {
  it('is complete when every notification arrived once and in order', () => {
    const summary = report(...inOrder);
    expect(summary.notifications).toEqual({
      expected: 3,
      delivered: 3,
      repeated: 0,
      out_of_order: 0,
      lost: 0,
      unexpected: 0,
    });
    expect(isComplete(summary)).toBe(true);
  });

  it.each([
    ['lost', ['c1.b1.ring', 'c1.c1.hangup'], { lost: 1 }],
    ['repeated', [...inOrder, 'c1.b1.ring'], { repeated: 1, out_of_order: 0 }],
    ['out_of_order', ['c1.b1.answer', 'c1.b1.ring', 'c1.c1.hangup'], { out_of_order: 1 }],
    ['unexpected', [...inOrder, 'c1.b2.ring'], { unexpected: 1 }],
  ])('counts %s notifications', (_, ids, wrong) => {
    const summary = report(...ids);
    expect(summary.notifications).toMatchObject(wrong);
    expect(isComplete(summary)).toBe(false);
  });

  it('counts notifications of an unknown call', () => {
    const summary = reportCalls([], new Map([['ghost', ['ghost.ghost.hangup']]]));
    expect(summary.notifications.unexpected).toBe(1);
  });

  it('counts calls by result; caller_gone is not counted as dialplan_continued', () => {
    const quiet = { progress: [], decisionMs: undefined };
    const summary = reportCalls(
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

describe('expectedProgress', () => {
  const { uuid, progress } = answered;
  const hangup = { leg: 'c1', action: 'hangup' };

  it('expects all events of a tagged call', () => {
    expect(expectedProgress({ uuid, progress, variables: { dialhook_call: uuid } }, true)).toEqual(progress);
  });

  it('expects nothing when the caller hung up before the tag and the endpoint knows nothing of the call', () => {
    expect(
      expectedProgress({ uuid, progress: [{ leg: 'c1', action: 'hangup' }], variables: {} }, false),
    ).toEqual([]);
  });

  it('expects one hangup when the endpoint knows of an untagged call', () => {
    expect(expectedProgress({ uuid, progress, variables: {} }, true)).toEqual([hangup]);
  });
});
