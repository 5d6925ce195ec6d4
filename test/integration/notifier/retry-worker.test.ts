import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { repairKeys } from '#libs/queue/repair.ts';
import { openRetryQueue, wakeCalls } from '#libs/queue/retry-queue.ts';
import { createLog } from '#libs/telemetry/log.ts';
import { type QueueRepair, RetryWorker } from '#services/notifier/retry-worker.ts';
import { startFreezingProxy } from '#test/support/notifier/freezing-proxy.ts';
import { NotifierHarness } from '#test/support/notifier/harness.ts';
import { until } from '#test/support/until.ts';

let harness: NotifierHarness;
beforeAll(async () => {
  harness = await NotifierHarness.start();
});
afterAll(() => harness[Symbol.asyncDispose]());

const KEYS_ARE_WELL = async () => {};
const NOTHING_LOST = { lost: 0, jobs: 0 };
const NO_REPAIR: QueueRepair = { keys: KEYS_ARE_WELL, queue: async () => NOTHING_LOST };

/** A worker that is declared dead soon, what it ran, and how often it was replaced. */
function startWorker(
  redis: Redis,
  repair: QueueRepair = NO_REPAIR,
  { silentMs = 300, checkMs = 60_000 } = {},
) {
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
    silentMs,
    run: async (job: { data: { call: string } }) => void run.push(job.data.call),
    checkMs,
    repair,
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

test('a damage that a thorough repair does not find keeps Redis busy for a tenth of the time at most', async () => {
  const redis = harness.client();
  redis.options.maxRetriesPerRequest = null;
  const repairs: { readonly start: number; readonly end: number }[] = [];
  const queue = async () => {
    const start = performance.now();
    await sleep(100);
    repairs.push({ start, end: performance.now() });
    return NOTHING_LOST;
  };
  await using _ = startWorker(redis, { keys: KEYS_ARE_WELL, queue });
  const wait = `{${harness.prefix}:retry}:calls:wait`;
  await redis.multi().del(wait).set(wait, 'x').exec();
  await until('it was repaired often', () => repairs.length >= 3);
  await redis.del(wait);
  const pauses = repairs.slice(1).map(({ start }, at) => start - (repairs[at]?.end ?? 0));
  expect(Math.min(...pauses)).toBeGreaterThanOrEqual(10 * 99);
});

test('a damage that a thorough repair does not find is looked for again at the next check at the latest', async () => {
  const redis = harness.client();
  redis.options.maxRetriesPerRequest = null;
  const repairs: { readonly thorough: boolean; readonly start: number; readonly end: number }[] = [];
  const queue: QueueRepair['queue'] = async (thorough) => {
    const start = performance.now();
    await sleep(2_000);
    repairs.push({ thorough, start, end: performance.now() });
    return NOTHING_LOST;
  };
  await using _ = startWorker(redis, { keys: KEYS_ARE_WELL, queue }, { checkMs: 50 });
  const wait = `{${harness.prefix}:retry}:calls:wait`;
  await redis.multi().del(wait).set(wait, 'x').exec();
  const thorough = () => repairs.filter((repair) => repair.thorough);
  await until('it was repaired twice', () => thorough().length >= 2);
  await redis.del(wait);
  const [first, second] = thorough();
  // Ten times its duration would be 20 s.
  expect((second?.start ?? 0) - (first?.end ?? 0)).toBeLessThan(10_000);
});

test('a check that took long, as on a busy machine, does not delay the next one', async () => {
  const redis = harness.client();
  redis.options.maxRetriesPerRequest = null;
  const checks: { readonly start: number; readonly end: number }[] = [];
  const queue: QueueRepair['queue'] = async () => {
    const start = performance.now();
    await sleep(2_000);
    checks.push({ start, end: performance.now() });
    return NOTHING_LOST;
  };
  await using _ = startWorker(redis, { keys: KEYS_ARE_WELL, queue }, { checkMs: 50 });
  await until('it was checked twice', () => checks.length >= 2);
  const [first, second] = checks;
  // Ten times its duration would be 20 s.
  expect((second?.start ?? 0) - (first?.end ?? 0)).toBeLessThan(10_000);
});

test('a large queue is checked less often', async () => {
  const redis = harness.client();
  redis.options.maxRetriesPerRequest = null;
  const checks: number[] = [];
  const queue: QueueRepair['queue'] = async () => {
    checks.push(performance.now());
    return { lost: 0, jobs: 3_000 };
  };
  await using _ = startWorker(redis, { keys: KEYS_ARE_WELL, queue }, { checkMs: 50 });
  await until('it was checked twice', () => checks.length >= 2);
  const [first = 0, second = 0] = checks;
  expect(second - first).toBeGreaterThanOrEqual(3_000);
});

test('a key that stops the workers does not wait for the next thorough repair', async () => {
  const redis = harness.client();
  redis.options.maxRetriesPerRequest = null;
  let thorough = 0;
  const findsNothing = async () => {
    thorough++;
    await sleep(1_000);
    return NOTHING_LOST;
  };
  const repair: QueueRepair = { keys: () => repairKeys(redis, harness.prefix), queue: findsNothing };
  await using started = startWorker(redis, repair, { silentMs: 60_000 });
  const { run, queue } = started;
  const damage = (value: string) => redis.hset(`{${harness.prefix}:retry}:calls:meta`, 'concurrency', value);
  let woken = 0;
  for (const value of ['x', 'y']) {
    await damage(value);
    await until('a thorough repair was started, and has found nothing', () => thorough > 0);
    const before = run.length;
    await until('the keys are repaired', async () => {
      // A call that was refused has left a job that no list names.
      await wakeCalls(queue, [`call ${++woken}`]);
      return run.length > before;
    });
  }
});

test('a stop ends a running repair', async () => {
  const redis = harness.client();
  redis.options.maxRetriesPerRequest = null;
  const seen = { started: false, ended: false };
  {
    const repairUntilStop: QueueRepair['queue'] = async (_thorough, signal) => {
      seen.started = true;
      await once(signal, 'abort');
      await sleep(20);
      seen.ended = true;
      return NOTHING_LOST;
    };
    await using _ = startWorker(redis, { keys: KEYS_ARE_WELL, queue: repairUntilStop });
    const wait = `{${harness.prefix}:retry}:calls:wait`;
    await redis.multi().del(wait).set(wait, 'x').exec();
    await until('it is repaired', () => seen.started);
    await redis.del(wait);
  }
  expect(seen.ended).toBe(true);
});
