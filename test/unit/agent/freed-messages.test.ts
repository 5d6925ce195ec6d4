import { beforeEach, describe, expect, it } from 'vitest';
import { FreedMessages } from '#services/agent/limits/freed-messages.ts';
import { type LogLine, recordLog } from '#test/support/log.ts';

describe('the messages of freed places', () => {
  let now: number;
  let refused: Set<number>;
  let tried: number[];
  let lines: readonly LogLine[];
  let freed: FreedMessages;
  const failures = () => lines.filter(({ event }) => event === 'limit.cleanup_failed').length;

  beforeEach(() => {
    now = 0;
    refused = new Set();
    tried = [];
    const recorded = recordLog();
    lines = recorded.lines;
    const remove = async (seq: number) => {
      tried.push(seq);
      if (refused.has(seq)) throw new Error('no responders');
    };
    freed = new FreedMessages({ remove, log: recorded.log, now: () => now });
  });

  it('are deleted 30 s after they were read first', async () => {
    freed.add(1);
    now = 20_000;
    freed.add(1);
    freed.add(2);
    now = 30_000;
    await freed.deleteOld();
    expect([tried, freed.size]).toEqual([[1], 1]);
  });

  it('are tried again, and one that cannot be deleted stops no other', async () => {
    for (let seq = 1; seq <= 250; seq++) freed.add(seq);
    refused.add(1).add(101);
    now = 30_000;
    await freed.deleteOld();
    await freed.deleteOld();
    expect([freed.size, failures()]).toEqual([2, 1]);
    expect(tried).toHaveLength(252);
    refused.clear();
    await freed.deleteOld();
    expect(freed.size).toBe(0);
  });

  it('are left for the next run when none of a chunk can be deleted', async () => {
    for (let seq = 1; seq <= 250; seq++) refused.add(seq);
    for (const seq of refused) freed.add(seq);
    now = 30_000;
    await freed.deleteOld();
    expect([tried.length, freed.size, failures()]).toEqual([100, 250, 1]);
  });
});
