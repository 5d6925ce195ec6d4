import { DelayedError, type Job, UnrecoverableError } from 'bullmq';
import type { SetAside } from '#libs/isolation/set-aside.ts';
import type { Claims } from '#libs/queue/claims.ts';
import type { CallJob } from '#libs/queue/retry-queue.ts';
import type { CallDelivery } from './call-delivery.ts';

/** Longest delay before a job checks again whether a claimed call is free, ms. */
const LOOK_AGAIN_MS = 1_000;

/** Undefined for a job whose data are corrupt. */
function callOfJob({ data }: Job<CallJob>): string | undefined {
  const call: unknown = data?.call;
  return typeof call === 'string' && call !== '' ? call : undefined;
}

/**
 * The processor of retry jobs: claims the call (waiting -> claimed) and delivers its notifications. While the call
 * waits for its next attempt, BullMQ delays the job.
 */
export function retryJob(claims: Claims, delivery: CallDelivery, instance: string, aside: SetAside) {
  let tokens = 0;
  const later = async (job: Job<CallJob>, token: string, ms: number): Promise<never> => {
    await job.moveToDelayed(Date.now() + ms, token);
    throw new DelayedError();
  };
  /** @throws {DelayedError} when the job must run again later, as BullMQ requires. */
  return async (job: Job<CallJob>, token: string): Promise<void> => {
    const call = callOfJob(job);
    if (call === undefined) {
      const error = new UnrecoverableError('the job names no call');
      aside.add('retry_job', error, { job: job.id });
      throw error;
    }
    const claiming = await claims.claim(call, `${instance}:job:${++tokens}`);
    if (claiming.kind === 'busy') return later(job, token, Math.min(claiming.ms, LOOK_AGAIN_MS));
    if (claiming.kind === 'idle') return undefined;
    const result = await delivery.run(claiming.claim, claiming.first, {});
    if (result.kind === 'waiting') return later(job, token, result.ms);
    return undefined;
  };
}
