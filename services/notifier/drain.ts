import { DelayedError, type Job } from 'bullmq';
import { callLog, type Log } from '#libs/telemetry/log.ts';
import type { Attempt, Attempts } from './attempt.ts';
import type { Backlog } from './backlog.ts';
import type { Clock } from './clock.ts';
import type { DeadLetters } from './dead-letters.ts';
import { type Entry, readEntry } from './entry.ts';
import type { CallJob } from './queue.ts';
import { type RetryPolicy, retryDelayMs } from './retry.ts';
import type { Slots } from './slots.ts';
import type { DeadReason, Verdict } from './verdict.ts';

export interface DrainParts {
  readonly backlog: Backlog;
  readonly attempts: Attempts;
  readonly deadLetters: DeadLetters;
  readonly slots: Slots;
  readonly retry: RetryPolicy;
  readonly clock: Clock;
  readonly log: Log;
  /** The key under which BullMQ locks a job. */
  readonly lockKey: (jobId: string) => string;
}

const originOf = (entry: Entry): string => URL.parse(entry.progress.url)?.origin ?? '';

/**
 * Delivers a call's notifications one after the other. While one waits for its next attempt, so do those behind it,
 * and the job waits in BullMQ without taking a slot.
 */
export class Drain {
  readonly #parts: DrainParts;
  #stopping = false;

  constructor(parts: DrainParts) {
    this.#parts = parts;
  }

  /** From now on a job goes back to the queue when the notification in hand is done with. */
  stop(): void {
    this.#stopping = true;
  }

  /** @throws {DelayedError} when the job is to be run again later, as BullMQ wants it. */
  async run(job: Job<CallJob>, token: string): Promise<void> {
    const { backlog, slots, clock, lockKey } = this.#parts;
    const { call, head } = job.data;
    const lock = { key: lockKey(job.id ?? ''), token };
    let text = await backlog.head(call);
    while (text !== undefined) {
      if (this.#stopping) return this.#later(job, token, 0);
      const entry = readEntry(text);
      const origin = originOf(entry);
      const waitMs = slots.enter(origin, clock.now(), clock.random());
      if (waitMs > 0) return this.#later(job, token, waitMs);
      const number = 1 + (head?.id === entry.id ? head.attempts : 0);
      const delayMs = await this.#attempt(entry, number, origin);
      if (delayMs !== undefined) {
        await job.updateData({ call, head: { id: entry.id, attempts: number } });
        return this.#later(job, token, delayMs);
      }
      text = await backlog.settle(call, text, lock);
    }
  }

  /** Makes one attempt. Milliseconds until the next, or undefined when the notification is done with. */
  async #attempt(entry: Entry, number: number, origin: string): Promise<number | undefined> {
    const { attempts, slots, retry, clock } = this.#parts;
    const { uuid, node } = entry.progress.notification;
    let attempt: Attempt | undefined;
    try {
      attempt = await attempts.make(entry, number);
    } finally {
      slots.leave(origin, attempt?.tookMs ?? 0);
    }
    const { verdict, tookMs } = attempt;
    const log = callLog(this.#parts.log, uuid, node);
    const line = { notification: entry.id, endpoint: origin, attempt: number, ms: tookMs };
    if (verdict.kind === 'delivered') {
      log.info({ ...line, status: verdict.status }, 'delivered');
      return undefined;
    }
    const { dead, retryAfterMs, kind: _, ...failure } = verdict;
    const delayMs =
      dead === undefined ? retryDelayMs(retry, number, retryAfterMs, clock.random()) : undefined;
    log.warn({ ...line, ...failure, retry_in_ms: delayMs }, 'not delivered');
    if (delayMs === undefined) await this.#giveUp(entry, number, origin, verdict, log);
    return delayMs;
  }

  async #giveUp(
    entry: Entry,
    attempts: number,
    origin: string,
    verdict: Extract<Verdict, { kind: 'failed' }>,
    log: Log,
  ): Promise<void> {
    const { status, error } = verdict;
    const reason: DeadReason = verdict.dead ?? 'exhausted';
    const { deadLetters, clock } = this.#parts;
    const call = entry.progress.notification.uuid;
    const last = { attempts, reason, error, ...(status === undefined ? {} : { status }) };
    await deadLetters.keep({ ...entry, call, origin, time: clock.now(), ...last });
    log.error({ notification: entry.id, endpoint: origin, ...last }, 'given up: it is a dead letter now');
  }

  async #later(job: Job<CallJob>, token: string, ms: number): Promise<never> {
    await job.moveToDelayed(Date.now() + ms, token);
    throw new DelayedError();
  }
}
