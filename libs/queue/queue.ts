import { type JobsOptions, Queue } from 'bullmq';
import type { Redis } from 'ioredis';

export const QUEUE = 'calls';

/** What a job of the queue carries: the call, and how often its oldest notification was tried already. */
export interface CallJob {
  readonly call: string;
  readonly head?: { readonly id: string; readonly attempts: number };
}

const EVENTS_KEPT = 100;
const FAULT_RETRY_MS = 1_000;

export function openQueue(redis: Redis, prefix: string): Queue {
  return new Queue(QUEUE, {
    connection: redis,
    prefix,
    streams: { events: { maxLen: EVENTS_KEPT } },
    defaultJobOptions: {
      removeOnComplete: true,
      removeOnFail: true,
      // Attempts at delivering are counted elsewhere: what BullMQ sees fail is a fault of ours, never final.
      attempts: Number.MAX_SAFE_INTEGER,
      backoff: { type: 'fixed', delay: FAULT_RETRY_MS },
    },
  });
}

/** While the call's job waits there is one; while it runs, one more follows it: nothing added is ever left lying. */
const onePerCall = (call: string): JobsOptions => ({
  deduplication: { id: call, keepLastIfActive: true },
});

/** Has each call's backlog delivered. */
export async function wakeCalls(queue: Queue, calls: Iterable<string>): Promise<void> {
  const jobs = [...new Set(calls)].map((call) => ({
    name: 'call',
    data: { call } satisfies CallJob,
    opts: onePerCall(call),
  }));
  await queue.addBulk(jobs);
}

/** Has it delivered after so many milliseconds, its oldest notification having been tried so often already. */
export async function wakeCallLater(queue: Queue, job: CallJob, ms: number): Promise<void> {
  await queue.add('call', job, { ...onePerCall(job.call), delay: ms });
}

/** Has a call that waits for its next attempt make it now. */
export async function hurryCall(queue: Queue, call: string): Promise<void> {
  const id = await queue.getDeduplicationJobId(call);
  const job = id ? await queue.getJob(id) : undefined;
  if (!(await job?.isDelayed())) return;
  // When it is refused the job has begun meanwhile, which is as good.
  await job?.promote().catch(() => {});
}
