import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openRetryQueue, wakeCalls } from '#libs/queue/retry-queue.ts';
import { createLog } from '#libs/telemetry/log.ts';
import { RetryWorker } from '#services/notifier/retry-worker.ts';
import { startFreezingProxy } from '#test/support/notifier/freezing-proxy.ts';
import { NotifierHarness } from '#test/support/notifier/harness.ts';
import { until } from '#test/support/until.ts';

let harness: NotifierHarness;
beforeAll(async () => {
  harness = await NotifierHarness.start();
});
afterAll(() => harness[Symbol.asyncDispose]());

/** A worker that is declared dead soon, what it ran, and how often it was replaced. */
function startWorker(redis: Redis) {
  const queue = openRetryQueue(redis, harness.prefix);
  queue.on('error', () => {});
  const run: string[] = [];
  const seen = { replaced: 0 };
  const log = { ...createLog('test', { level: 'silent' }), error: () => void seen.replaced++ };
  const options = {
    prefix: harness.prefix,
    instance: 'one',
    concurrency: 4,
    attemptMs: 1_000,
    takeoverMs: 1_000,
    canaryMs: 20,
    silentMs: 300,
    run: async (job: { data: { call: string } }) => void run.push(job.data.call),
  };
  const worker = new RetryWorker(redis, queue, options, log);
  const stop = async () => {
    await worker.stop();
    await queue.close();
    redis.disconnect();
  };
  return { queue, run, seen, worker, [Symbol.asyncDispose]: stop };
}

test('a worker that gets no jobs reports it, is replaced, and leaves no connection behind', async () => {
  const redis = harness.client();
  redis.options.maxRetriesPerRequest = null;
  const onlooker = harness.client();
  await using started = startWorker(redis);
  const { worker, run, seen, queue } = started;
  expect(worker.problem()).toBe('no job has come through the retry queue yet');
  await until('canaries come through', () => worker.problem() === undefined);
  const connections = async () =>
    String(await onlooker.client('LIST'))
      .trim()
      .split('\n').length;
  const before = await connections();

  // A paused queue is silent to its worker, whatever its connection looks like.
  await onlooker.hset(`{${harness.prefix}:retry}:calls:meta`, 'paused', '1');
  await until('it says so', () => worker.problem()?.startsWith('no job has come') === true);
  await until('it was replaced again and again', () => seen.replaced >= 3);
  await onlooker.hdel(`{${harness.prefix}:retry}:calls:meta`, 'paused');
  await wakeCalls(queue, ['a call']);
  await until('it works', () => run.length === 1 && worker.problem() === undefined);
  await until('the old connections are closed', async () => (await connections()) === before);
});

test('a worker whose connections die silently gets new ones, and commands in flight are not lost', async () => {
  using proxy = await startFreezingProxy(new URL(harness.redis.url).pathname);
  const redis = new Redis(proxy.port, { maxRetriesPerRequest: null, retryStrategy: () => 20 });
  redis.on('error', () => {});
  await using started = startWorker(redis);
  const { worker, run, queue } = started;
  await until('canaries come through', () => worker.problem() === undefined);
  proxy.freeze();
  const woken = wakeCalls(queue, ['sent into the void']);
  await until('it says so', () => worker.problem() !== undefined);
  await woken;
  await until('it works', () => run.length === 1 && worker.problem() === undefined);
});
