import type { TimelineRecorder } from '#libs/bus/timeline.ts';
import { happensNow, type Step } from '#libs/bus/timeline-step.ts';
import { originOf, publicUrl } from '#libs/net/url.ts';
import type { DeadLetter, DeadLetters } from '#libs/queue/dead-letters.ts';
import type { QueueEntry } from '#libs/queue/entry.ts';
import type { Replication } from '#libs/queue/replication.ts';
import { aboutCall, type Log } from '#libs/telemetry/log.ts';
import type { Attempt, Attempts } from './attempt.ts';
import type { Clock } from './clock.ts';
import type { Admitted, EndpointAdmission } from './endpoint-admission.ts';
import { attempted, delivered, keptDead } from './metrics.ts';
import { type RetryPolicy, retryDelayMs } from './retry-policy.ts';

export interface DeliveryParts {
  readonly attempts: Attempts;
  readonly deadLetters: DeadLetters;
  readonly replication: Replication;
  readonly admission: EndpointAdmission;
  readonly retry: RetryPolicy;
  readonly clock: Clock;
  readonly log: Log;
  readonly timeline: TimelineRecorder;
}

/** The next attempt is due after `ms`. `attempts` is the number made so far. */
export interface NextAttempt {
  readonly ms: number;
  readonly attempts: number;
}

type AttemptedStep = Extract<Step, { step: 'attempted' }>;
type Result = Pick<AttemptedStep, 'status' | 'error' | 'ms' | 'retry_in_ms'>;
type Ending = Pick<DeadLetter, 'attempts' | 'reason' | 'error' | 'status'>;

const about = ({ id, progress }: QueueEntry, endpoint: string) => {
  const { uuid, node } = progress.notification;
  return { ...aboutCall(uuid, node), notification: id, endpoint };
};

/** Delivers one notification or turns it into a dead letter. */
export class Delivery {
  readonly #parts: DeliveryParts;

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
  }

  /**
   * Makes at most one attempt.
   * @param admitted the admission to the endpoint, if the caller has it already.
   * @returns undefined when the notification is delivered or dead.
   */
  async deliver(entry: QueueEntry, admitted?: Admitted): Promise<NextAttempt | undefined> {
    const { attempts, admission } = this.#parts;
    const origin = originOf(entry.progress.url);
    const permission = admitted ?? (await admission.enter(origin));
    if (permission.kind === 'wait') return { ms: permission.ms, attempts: entry.attempts };
    if (permission.kind === 'disabled') {
      const error = 'the endpoint is disabled';
      this.#record(entry, Math.max(1, entry.attempts), 'dead', { error, ms: 0 });
      await this.#keepDead(entry, origin, { attempts: entry.attempts, reason: 'endpoint_disabled', error });
      return undefined;
    }
    let attempt: Attempt | undefined;
    try {
      attempt = await attempts.make(entry, entry.attempts + 1);
    } finally {
      await admission.leave(origin, permission, attempt);
    }
    return this.#conclude(entry, origin, attempt);
  }

  /** Ends the admission of a notification for which no attempt is made. */
  async decline({ progress }: QueueEntry, admitted: Admitted): Promise<void> {
    await this.#parts.admission.leave(originOf(progress.url), admitted, undefined);
  }

  /** Makes a dead letter of a notification that cannot be delivered because of what it is. */
  async keepUnprocessable(entry: QueueEntry, { message }: Error): Promise<void> {
    const origin = originOf(entry.progress.url);
    this.#record(entry, Math.max(1, entry.attempts), 'dead', { error: message, ms: 0 });
    await this.#keepDead(entry, origin, {
      attempts: entry.attempts,
      reason: 'unprocessable',
      error: message,
    });
  }

  async #conclude(
    entry: QueueEntry,
    origin: string,
    { verdict, tookMs }: Attempt,
  ): Promise<NextAttempt | undefined> {
    const { retry, clock, log } = this.#parts;
    const attempts = entry.attempts + 1;
    const line = { ...about(entry, origin), attempt: attempts, ms: tookMs };
    if (verdict.kind === 'delivered') {
      this.#record(entry, attempts, 'delivered', { status: verdict.status, ms: tookMs });
      delivered(origin, entry.progress.notification.time, clock.now());
      log.info('notification.delivered', { ...line, status: verdict.status });
      return undefined;
    }
    const { dead, result, error, status } = verdict;
    const ms = dead === undefined ? retryDelayMs(retry, attempts, clock.random()) : undefined;
    log.warn('notification.failed', { ...line, result, error, status, retry_in_ms: ms });
    attempted(origin, ms === undefined ? 'dead' : 'retried');
    const answered = status === undefined ? {} : { status };
    const failure = { ...answered, error, ms: tookMs };
    if (ms !== undefined) {
      this.#record(entry, attempts, 'retried', { ...failure, retry_in_ms: ms });
      return { ms, attempts };
    }
    this.#record(entry, attempts, 'dead', failure);
    await this.#keepDead(entry, origin, { attempts, reason: dead ?? 'exhausted', error, ...answered });
    return undefined;
  }

  #record(
    { id, progress }: QueueEntry,
    attempt: number,
    outcome: AttemptedStep['outcome'],
    result: Result,
  ): void {
    const { url, notification } = progress;
    const made = { notification: id, endpoint: publicUrl(url), attempt, outcome, ...result };
    this.#parts.timeline.add({ step: 'attempted', ...happensNow(notification), ...made });
  }

  async #keepDead(entry: QueueEntry, origin: string, ending: Ending): Promise<void> {
    const { deadLetters, replication, clock, log } = this.#parts;
    const call = entry.progress.notification.uuid;
    const since = replication.now();
    await deadLetters.keep({ ...entry, call, origin, time: clock.now(), ...ending });
    await replication.confirm(since, ['dead']);
    keptDead(origin, ending.reason);
    log.error('notification.dead', { ...about(entry, origin), ...ending });
  }
}
