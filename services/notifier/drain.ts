import { DelayedError, type Job } from 'bullmq';
import type { TrailTeller } from '#libs/bus/trail.ts';
import { happensNow, type Step } from '#libs/bus/trail-step.ts';
import { publicUrl } from '#libs/http/request.ts';
import type { Backlog } from '#libs/queue/backlog.ts';
import type { DeadLetter, DeadLetters } from '#libs/queue/dead-letters.ts';
import { type Entry, originOf, readEntry } from '#libs/queue/entry.ts';
import type { CallJob } from '#libs/queue/queue.ts';
import { callLog, type Log } from '#libs/telemetry/log.ts';
import type { Attempt, Attempts } from './attempt.ts';
import type { Clock } from './clock.ts';
import type { EndpointGate } from './endpoint-gate.ts';
import { attempted, delivered, keptDead } from './metrics.ts';
import { type RetryPolicy, retryDelayMs } from './retry.ts';

export interface DrainParts {
  readonly backlog: Backlog;
  readonly attempts: Attempts;
  readonly deadLetters: DeadLetters;
  readonly gate: EndpointGate;
  readonly retry: RetryPolicy;
  readonly clock: Clock;
  readonly log: Log;
  readonly trail: TrailTeller;
  /** The key under which BullMQ locks a job. */
  readonly lockKey: (jobId: string) => string;
}

/** When a notification is to be taken up again, and how many attempts have been made at it by then. */
interface Again {
  readonly ms: number;
  readonly attempts: number;
}

type Attempted = Extract<Step, { step: 'attempted' }>;
type How = Pick<Attempted, 'status' | 'error' | 'ms' | 'retry_in_ms'>;
type Ending = Pick<DeadLetter, 'attempts' | 'reason' | 'error' | 'status'>;

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
    const { backlog, lockKey } = this.#parts;
    const { call, head } = job.data;
    // After a fault of ours, as a rule a Redis that refuses writes: no attempt before what comes of it can be kept.
    if (job.attemptsMade > 0) await job.updateData(job.data);
    const lock = { key: lockKey(job.id ?? ''), token };
    let text = await backlog.head(call);
    while (text !== undefined) {
      const entry = readEntry(text);
      const made = head?.id === entry.id ? head.attempts : 0;
      const again = this.#stopping ? { ms: 0, attempts: made } : await this.#deliver(entry, made);
      if (again !== undefined) {
        if (again.attempts > made)
          await job.updateData({ call, head: { id: entry.id, attempts: again.attempts } });
        await job.moveToDelayed(Date.now() + again.ms, token);
        throw new DelayedError();
      }
      text = await backlog.settle(call, text, lock);
    }
  }

  /** Makes at most one attempt. Undefined when the notification is done with. */
  async #deliver(entry: Entry, made: number): Promise<Again | undefined> {
    const { attempts, gate } = this.#parts;
    const origin = originOf(entry.progress.url);
    const admission = await gate.enter(origin);
    if (admission.kind === 'wait') return { ms: admission.ms, attempts: made };
    if (admission.kind === 'off') {
      const error = 'the endpoint is switched off';
      this.#tell(entry, Math.max(1, made), 'dead', { error, ms: 0 });
      await this.#giveUp(entry, origin, { attempts: made, reason: 'switched_off', error });
      return undefined;
    }
    let attempt: Attempt | undefined;
    try {
      attempt = await attempts.make(entry, made + 1);
    } finally {
      await gate.leave(origin, admission, attempt);
    }
    return this.#conclude(entry, origin, made + 1, attempt);
  }

  async #conclude(
    entry: Entry,
    origin: string,
    attempts: number,
    { verdict, tookMs }: Attempt,
  ): Promise<Again | undefined> {
    const { retry, clock } = this.#parts;
    const log = this.#logOf(entry, origin);
    const line = { attempt: attempts, ms: tookMs };
    if (verdict.kind === 'delivered') {
      this.#tell(entry, attempts, 'delivered', { status: verdict.status, ms: tookMs });
      delivered(origin, entry.progress.notification.time, clock.now());
      log.info({ ...line, status: verdict.status }, 'delivered');
      return undefined;
    }
    const { dead, result, error, status } = verdict;
    const ms = dead === undefined ? retryDelayMs(retry, attempts, clock.random()) : undefined;
    log.warn({ ...line, result, error, status, retry_in_ms: ms }, 'not delivered');
    attempted(origin, ms === undefined ? 'dead' : 'retried');
    const answered = status === undefined ? {} : { status };
    const how = { ...answered, error, ms: tookMs };
    if (ms !== undefined) {
      this.#tell(entry, attempts, 'retried', { ...how, retry_in_ms: ms });
      return { ms, attempts };
    }
    this.#tell(entry, attempts, 'dead', how);
    await this.#giveUp(entry, origin, { attempts, reason: dead ?? 'exhausted', error, ...answered });
    return undefined;
  }

  #tell({ id, progress }: Entry, attempt: number, outcome: Attempted['outcome'], how: How): void {
    const { url, notification } = progress;
    const made = { notification: id, endpoint: publicUrl(url), attempt, outcome, ...how };
    this.#parts.trail.add({ step: 'attempted', ...happensNow(notification), ...made });
  }

  async #giveUp(entry: Entry, origin: string, ending: Ending): Promise<void> {
    const { deadLetters, clock } = this.#parts;
    const call = entry.progress.notification.uuid;
    await deadLetters.keep({ ...entry, call, origin, time: clock.now(), ...ending });
    keptDead(origin, ending.reason);
    this.#logOf(entry, origin).error(ending, 'given up: it is a dead letter now');
  }

  #logOf({ id, progress }: Entry, endpoint: string): Log {
    const { uuid, node } = progress.notification;
    return callLog(this.#parts.log, uuid, node).child({ notification: id, endpoint });
  }
}
