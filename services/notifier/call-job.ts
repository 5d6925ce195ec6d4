import { DelayedError, type Job } from 'bullmq';
import type { Backlog } from '#libs/queue/backlog.ts';
import { readEntry } from '#libs/queue/entry.ts';
import type { CallJob } from '#libs/queue/queue.ts';
import type { Drain } from './drain.ts';

/** When to look again at a call that somebody holds, at the latest. */
const LOOK_AGAIN_MS = 1_000;

async function later(job: Job<CallJob>, token: string, ms: number): Promise<never> {
  await job.moveToDelayed(Date.now() + ms, token);
  throw new DelayedError();
}

/**
 * Delivers for a call as its job. While a notification waits for its next attempt the job waits in BullMQ, without taking
 * a slot. `lockKey` is where BullMQ locks a job.
 */
export const callJob =
  (backlog: Backlog, drain: Drain, lockKey: (jobId: string) => string) =>
  /** @throws {DelayedError} when the job is to be run again later, as BullMQ wants it. */
  async (job: Job<CallJob>, token: string): Promise<void> => {
    const { call, head: tried } = job.data;
    // After a fault of ours, as a rule a Redis that refuses writes: no attempt before what comes of it can be kept.
    if (job.attemptsMade > 0) await job.updateData(job.data);
    const { heldMs, text } = await backlog.head(call);
    if (heldMs > 0) return later(job, token, Math.min(heldMs, LOOK_AGAIN_MS));
    if (text === undefined) return undefined;
    const lock = { key: lockKey(job.id ?? ''), token };
    const rest = await drain.run(call, lock, { text, entry: readEntry(text) }, tried ? { tried } : {});
    if (rest === undefined) return undefined;
    const { id, attempts, ms } = rest;
    if (attempts > 0) await job.updateData({ call, head: { id, attempts } });
    return later(job, token, ms);
  };
