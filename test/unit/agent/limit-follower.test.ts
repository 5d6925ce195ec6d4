import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { LimitFollower } from '#services/agent/limits/limit-follower.ts';
import { recordLog } from '#test/support/log.ts';
import { until } from '#test/support/until.ts';

it('checks the stream and waits before it reads it again when its reader is lost at once', async () => {
  let reads = 0;
  let checks = 0;
  const stream = {
    exists: async () => true,
    follow: async () => {
      reads++;
      await turn();
    },
    recheck: () => void checks++,
  };
  const follower = new LimitFollower({
    stream,
    openReader: () => ({ onMessage: () => {}, onCaughtUp: () => {} }),
    rereadMs: undefined,
    onStart: () => {},
    log: recordLog().log,
  });
  follower.start();
  for (let turns = 0; turns < 100; turns++) await turn();
  expect(reads).toBeLessThan(5);
  await until('the stream is read again', () => reads >= 2);
  expect(checks).toBeGreaterThan(0);
  await follower.stop();
});
