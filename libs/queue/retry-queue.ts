import { type JobsOptions, Queue } from 'bullmq';
import { retryPrefix } from './keys.ts';
import type { RedisClient } from './redis.ts';
import { setAsideKeys } from './script.ts';
import { isWrongType } from './wrong-type.ts';

export const RETRY_QUEUE = 'calls';

/**
 * A job of the retry queue: deliver the waiting notifications of this call. All other state is in the keys of the call.
 */
export interface CallJob {
  readonly call: string;
}

const EVENTS_KEPT = 100;
/** Delay of a retry after an error of this program or of Redis, ms. */
export const FAULT_RETRY_MS = 1_000;

/**
 * The BullMQ queue of calls that wait for an attempt, one job per call. It has its own hash tag, because BullMQ needs
 * all keys of a queue in one slot of a Redis Cluster and one queue serves all partitions (docs/notifier.md).
 */
export function openRetryQueue(redis: RedisClient, prefix: string): Queue {
  return new Queue(RETRY_QUEUE, {
    connection: redis,
    prefix: retryPrefix(prefix),
    streams: { events: { maxLen: EVENTS_KEPT } },
    defaultJobOptions: {
      removeOnComplete: true,
      removeOnFail: true,
      // A job fails only on an error of Redis or a bug, so BullMQ retries it without limit. Delivery attempts are
      // counted in the entry.
      attempts: Number.MAX_SAFE_INTEGER,
      backoff: { type: 'fixed', delay: FAULT_RETRY_MS },
    },
  });
}

/** One waiting job per call. While it runs, one more may be queued. */
const onePerCall = (call: string): JobsOptions => ({
  deduplication: { id: call, keepLastIfActive: true },
});

/** Sets the keys aside that BullMQ keeps for the one job of a call, if they have the wrong type. */
export async function setAsideJobKeys(queue: Queue, calls: Iterable<string>): Promise<void> {
  const redis = queue.opts.connection as RedisClient;
  const all = [...calls];
  await setAsideKeys(
    redis,
    all.map((call) => queue.toKey(`de:${call}`)),
    'string',
  );
  await setAsideKeys(
    redis,
    all.map((call) => queue.toKey(`dn:${call}`)),
    'hash',
  );
}

async function withJobKeys<T>(queue: Queue, calls: Iterable<string>, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isWrongType(error)) throw error;
    await setAsideJobKeys(queue, calls);
    return work();
  }
}

/** Queues the jobs of calls to run at once. A delayed job keeps its time. */
export async function wakeCalls(queue: Queue, calls: Iterable<string>): Promise<void> {
  const all = new Set(calls);
  const jobs = [...all].map((call) => ({
    name: 'call',
    data: { call } satisfies CallJob,
    opts: onePerCall(call),
  }));
  await withJobKeys(queue, all, () => queue.addBulk(jobs));
}

/** Queues the job of a call to run after `ms`. */
export async function wakeCallLater(queue: Queue, call: string, ms: number): Promise<void> {
  const add = () => queue.add('call', { call } satisfies CallJob, { ...onePerCall(call), delay: ms });
  await withJobKeys(queue, [call], add);
}

/** Runs a delayed job now. */
export async function hurryCall(queue: Queue, call: string): Promise<void> {
  const id = await queue.getDeduplicationJobId(call);
  const job = id ? await queue.getJob(id) : undefined;
  if (!(await job?.isDelayed())) return;
  // Fails when the job has already started, which is fine.
  await job?.promote().catch(() => {});
}
