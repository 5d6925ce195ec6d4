import { setTimeout as pause } from 'node:timers/promises';
import type { Queue } from 'bullmq';
import { chunks } from '#libs/chunks/chunks.ts';
import { PARTITIONS } from '#libs/contract/partition.ts';
import { callKeys, checkedKey, pendingKey } from './keys.ts';
import { divided } from './member.ts';
import type { RedisClient } from './redis.ts';
import { isJobId, queueKey, type RetryJobs, readRetryJobs, removeJob } from './retry-jobs.ts';
import { setAsideJobKeys, wakeCalls } from './retry-queue.ts';
import { script, setAsideKeys, withKeys } from './script.ts';
import type { KeyType } from './wrong-type.ts';

/** BullMQ's keys of a queue, by their types. */
const QUEUE_KEYS: Readonly<Partial<Record<KeyType, readonly string[]>>> = {
  list: ['wait', 'active', 'paused'],
  zset: ['delayed', 'prioritized', 'completed', 'failed', 'marker'],
  set: ['stalled'],
  hash: ['meta'],
  string: ['id', 'pc', 'stalled-check', 'limiter'],
  stream: ['events'],
};
/** Fields of `meta` that stop or slow every worker. Dialhook sets none of them. */
const STOPPING_FIELDS = ['paused', 'concurrency', 'max', 'duration'] as const;
/** How many events BullMQ keeps. Its scripts fail at a text. */
const MAX_EVENTS = 'opts.maxLenEvents';
const AT_ONCE = 500;
/** Longer than any lock of BullMQ and any QUEUE_CHECK_INTERVAL_MS. */
const MAX_LOCK_MS = 600_000;
const MAX_INTERVAL_MS = 86_400_000;
/** Longer than the time between the last step of a call without a job and the job, ms. */
const CONFIRM_MS = 1_000;

export interface RetryQueueRepair {
  readonly redis: RedisClient;
  readonly prefix: string;
  readonly queue: Queue;
  /** Called for each job that is removed because it is corrupt. */
  readonly onCorruptJob: (id: string) => void;
}

export interface RepairResult {
  /** Calls that had lost their job. */
  readonly lost: number;
  /** Jobs that were read: the cost of the repair. */
  readonly jobs: number;
}

/**
 * Repairs the retry queue, whose keys another program, an operator or a failover of Redis may have damaged:
 *
 * 1. Repairs the keys of the queue, see `repairKeys`.
 * 2. Removes corrupt jobs, and locks that never expire.
 * 3. Queues a job for every pending call that has neither a claim nor a job. The lists of BullMQ may have lost it, but the
 *    waiting lists remember the notifications.
 *
 * Runs at intervals, and at once when BullMQ has met a key or a job that it cannot read (`thorough`: also the keys of each
 * job are checked). A job that is queued twice does no harm: the claim decides who delivers. A call that has lost its
 * delayed job is attempted at once.
 *
 * @throws when `signal` aborts the wait before the jobs are queued.
 */
export async function repairRetryQueue(
  { redis, prefix, queue, onCorruptJob }: RetryQueueRepair,
  thorough: boolean,
  signal?: AbortSignal,
): Promise<RepairResult> {
  await repairKeys(redis, prefix);
  const jobs = await readRetryJobs(redis, prefix);
  for (const ids of chunks(jobs.corrupt, AT_ONCE)) {
    const removed = await Promise.all(ids.map((id) => removeJob(redis, prefix, id)));
    for (const [at, id] of ids.entries()) if (removed[at]) onCorruptJob(String(id));
  }
  await removeEndlessLocks(redis, prefix, jobs.active);
  if (thorough) {
    for (const calls of chunks([...jobs.calls], AT_ONCE)) await setAsideJobKeys(queue, calls);
    const locks = jobs.active.map((id) => queueKey(prefix, `${id}:lock`));
    await setAsideKeys(redis, locks, 'string');
  }
  const lost = await lostCalls(redis, prefix, jobs);
  const read = jobs.ids.size;
  if (lost.size === 0) return { lost: 0, jobs: read };
  await pause(CONFIRM_MS, undefined, { signal });
  const newest = Number(await redis.get(queueKey(prefix, 'id')));
  const later = await readRetryJobs(redis, prefix);
  const confirmed = [...(await lostCalls(redis, prefix, later))].filter((call) => lost.has(call));
  for (const calls of chunks(confirmed, AT_ONCE)) {
    await forgetJobs({ redis, prefix, queue }, calls, { ids: later.ids, newest });
    await wakeCalls(queue, calls);
  }
  return { lost: confirmed.length, jobs: read };
}

/** Deletes a key that another program has written: ours expire at the latest after `maxMs`. */
async function dropForeign(redis: RedisClient, key: string, maxMs: number): Promise<void> {
  const leftMs = await redis.pttl(key);
  if (leftMs === -1 || leftMs > maxMs) await redis.del(key);
}

/** Whether no notifier has checked the queue for `intervalMs`. Then this one counts as the one that has. */
export async function isCheckDue(
  redis: RedisClient,
  prefix: string,
  instance: string,
  intervalMs: number,
): Promise<boolean> {
  const key = checkedKey(prefix);
  const take = () => redis.set(key, instance, 'PX', intervalMs, 'NX');
  if ((await take()) !== null) return true;
  await dropForeign(redis, key, MAX_INTERVAL_MS);
  return (await take()) !== null;
}

/** Redis gives no new id after the highest one, so that BullMQ could add no event. */
async function dropFutureEvents(redis: RedisClient, key: string): Promise<void> {
  const [last] = await redis.xrevrange(key, '+', '-', 'COUNT', 1);
  if (last !== undefined && Number.parseInt(last[0], 10) > Date.now() + MAX_INTERVAL_MS) await redis.del(key);
}

/** Sets keys of the queue aside that have the wrong type, and removes values that stop the workers. */
export async function repairKeys(redis: RedisClient, prefix: string): Promise<void> {
  for (const [type, names] of Object.entries(QUEUE_KEYS) as [KeyType, readonly string[]][])
    await setAsideKeys(
      redis,
      names.map((name) => queueKey(prefix, name)),
      type,
    );
  const meta = queueKey(prefix, 'meta');
  await redis.hdel(meta, ...STOPPING_FIELDS);
  const kept = await redis.hget(meta, MAX_EVENTS);
  if (kept !== null && !/^\d{1,9}$/.test(kept)) await redis.hdel(meta, MAX_EVENTS);
  await dropFutureEvents(redis, queueKey(prefix, 'events'));
  await dropForeign(redis, queueKey(prefix, 'stalled-check'), MAX_LOCK_MS);
  await script(redis, 'repair-job-ids')([queueKey(prefix, 'id')], [Date.now()]);
}

/** BullMQ gives a job whose lock has expired to another worker. A lock that does not expire would keep it permanently. */
async function removeEndlessLocks(
  redis: RedisClient,
  prefix: string,
  active: readonly string[],
): Promise<void> {
  const drop = (id: string) => dropForeign(redis, queueKey(prefix, `${id}:lock`), MAX_LOCK_MS);
  for (const ids of chunks(active, AT_ONCE)) await Promise.all(ids.map(drop));
}

/** The pending calls without claim and job. */
async function lostCalls(redis: RedisClient, prefix: string, jobs: RetryJobs): Promise<ReadonlySet<string>> {
  const findUnclaimed = script(redis, 'find-unclaimed');
  const lost = new Set<string>();
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const pending = pendingKey(prefix, partition);
    for (let cursor = '0'; ; ) {
      const scan = () => redis.sscanBuffer(pending, cursor, 'COUNT', AT_ONCE);
      const [next, members] = await withKeys(redis, [pending], scan);
      const { texts: calls, foreign } = divided(members);
      if (foreign.length > 0) await redis.srem(pending, ...foreign);
      const keys = calls.flatMap((call) => {
        const { waiting, claim } = callKeys(prefix, call);
        return [waiting, claim];
      });
      const unclaimed = (await findUnclaimed([pending, ...keys], calls)) as string[];
      for (const call of unclaimed) if (!jobs.calls.has(call)) lost.add(call);
      cursor = String(next);
      if (cursor === '0') break;
    }
  }
  return lost;
}

/**
 * Removes the deduplication keys of calls, which name lost jobs, and what is left of these jobs. `ids` were in a list
 * when `newest` was the last id given. A job with a later id is new, and is kept.
 */
async function forgetJobs(
  { redis, prefix, queue }: Pick<RetryQueueRepair, 'redis' | 'prefix' | 'queue'>,
  calls: readonly string[],
  { ids, newest }: { readonly ids: ReadonlySet<string>; readonly newest: number },
): Promise<void> {
  await setAsideJobKeys(queue, calls);
  const forget = async (call: string) => {
    const key = queueKey(prefix, `de:${call}`);
    const id = await redis.get(key);
    await redis.del(key, queueKey(prefix, `dn:${call}`));
    if (id !== null && isJobId(id) && Number(id) <= newest && !ids.has(id))
      await redis.del(queueKey(prefix, id));
  };
  await Promise.all(calls.map(forget));
}
