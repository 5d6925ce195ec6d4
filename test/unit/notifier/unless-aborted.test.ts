import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { unlessAborted } from '#services/notifier/unless-aborted.ts';

const STOPPED = new Error('stopped');

it('settles like the work', async () => {
  const { signal } = new AbortController();
  await expect(unlessAborted(Promise.resolve(1), signal)).resolves.toBe(1);
  await expect(unlessAborted(Promise.reject(new Error('failed')), signal)).rejects.toThrow('failed');
});

// Vitest fails on an unhandled rejection.
it.each([
  ['before', AbortSignal.abort(STOPPED)],
  ['after it has begun', undefined],
])('rejects with the reason of a signal aborted %s, and the work may still fail', async (_, given) => {
  const stop = new AbortController();
  const { promise: work, reject } = Promise.withResolvers<void>();
  const rejected = expect(unlessAborted(work, given ?? stop.signal)).rejects.toBe(STOPPED);
  stop.abort(STOPPED);
  await rejected;
  reject(new Error('failed too late'));
  await turn();
});
