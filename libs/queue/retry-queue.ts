import { type JobsOptions, Queue } from 'bullmq';
import { retryPrefix } from './keys.ts';
import type { RedisClient } from './redis.ts';

export const RETRY_QUEUE = 'calls';

/** A job of the retry queue: deliver what waits for this call. All other state is in the call's keys. */
export interface CallJob {
  readonly call: string;
}

const EVENTS_KEPT = 100;
const FAULT_RETRY_MS = 1_000;

/**
 * The BullMQ queue of calls that wait for an attempt, one job for each. It has a hash tag of its own: BullMQ needs all
 * keys of a queue in one slot of a Redis Cluster, and one queue serves all partitions (docs/notifier.md).
 */
export function openRetryQueue(redis: RedisClient, prefix: string): Queue {
  return new Queue(RETRY_QUEUE, {
    connection: redis,
    prefix: retryPrefix(prefix),
    streams: { events: { maxLen: EVENTS_KEPT } },
    defaultJobOptions: {
      removeOnComplete: true,
      removeOnFail: true,
      // BullMQ never counts attempts at delivering: what it sees fail is an error of Redis or a bug, and is never final.
      attempts: Number.MAX_SAFE_INTEGER,
      backoff: { type: 'fixed', delay: FAULT_RETRY_MS },
    },
  });
}

/** While a call's job waits there is no second one; while it runs, one more is queued behind it. */
const onePerCall = (call: string): JobsOptions => ({
  deduplication: { id: call, keepLastIfActive: true },
});

/** Queues the calls' jobs, to run at once. A job that waits for its time already is left alone. */
export async function wakeCalls(queue: Queue, calls: Iterable<string>): Promise<void> {
  const jobs = [...new Set(calls)].map((call) => ({
    name: 'call',
    data: { call } satisfies CallJob,
    opts: onePerCall(call),
  }));
  await queue.addBulk(jobs);
}

/** Queues a call's job, to run after `ms`. */
export async function wakeCallLater(queue: Queue, call: string, ms: number): Promise<void> {
  await queue.add('call', { call } satisfies CallJob, { ...onePerCall(call), delay: ms });
}

/** Runs a job that waits for its time now. */
export async function hurryCall(queue: Queue, call: string): Promise<void> {
  const id = await queue.getDeduplicationJobId(call);
  const job = id ? await queue.getJob(id) : undefined;
  if (!(await job?.isDelayed())) return;
  // It fails when the job has started meanwhile, which is as good.
  await job?.promote().catch(() => {});
}
