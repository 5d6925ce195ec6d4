import type { TimelineRecorder } from '#libs/bus/timeline.ts';
import { happensNow, type Step } from '#libs/bus/timeline-step.ts';
import { originOf, publicUrl } from '#libs/net/url.ts';
import type { DeadLetter, DeadLetters } from '#libs/queue/dead-letters.ts';
import type { Entry } from '#libs/queue/entry.ts';
import { aboutCall, type Log } from '#libs/telemetry/log.ts';
import type { Attempt, Attempts } from './attempt.ts';
import type { Clock } from './clock.ts';
import type { Admitted, EndpointGate } from './endpoint-gate.ts';
import { attempted, delivered, keptDead } from './metrics.ts';
import { type RetryPolicy, retryDelayMs } from './retry.ts';

export interface DeliveryParts {
  readonly attempts: Attempts;
  readonly deadLetters: DeadLetters;
  readonly gate: EndpointGate;
  readonly retry: RetryPolicy;
  readonly clock: Clock;
  readonly log: Log;
  readonly timeline: TimelineRecorder;
}

/** When a notification is to be taken up again, and how many attempts have been made at it by then. */
export interface Again {
  readonly ms: number;
  readonly attempts: number;
}

type Attempted = Extract<Step, { step: 'attempted' }>;
type How = Pick<Attempted, 'status' | 'error' | 'ms' | 'retry_in_ms'>;
type Ending = Pick<DeadLetter, 'attempts' | 'reason' | 'error' | 'status'>;

const about = ({ id, progress }: Entry, endpoint: string) => {
  const { uuid, node } = progress.notification;
  return { ...aboutCall(uuid, node), notification: id, endpoint };
};

/** Delivers one notification, or makes it a dead letter. */
export class Delivery {
  readonly #parts: DeliveryParts;

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
  }

  /**
   * Makes at most one attempt at it, after `made` others. Who has been admitted to its endpoint already says so.
   * Undefined when the notification is done with.
   */
  async deliver(entry: Entry, made: number, admitted?: Admitted): Promise<Again | undefined> {
    const { attempts, gate } = this.#parts;
    const origin = originOf(entry.progress.url);
    const admission = admitted ?? (await gate.enter(origin));
    if (admission.kind === 'wait') return { ms: admission.ms, attempts: made };
    if (admission.kind === 'off') {
      const error = 'the endpoint is switched off';
      this.#tell(entry, Math.max(1, made), 'dead', { error, ms: 0 });
      await this.#giveUp(entry, origin, { attempts: made, reason: 'endpoint_disabled', error });
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
    const { retry, clock, log } = this.#parts;
    const line = { ...about(entry, origin), attempt: attempts, ms: tookMs };
    if (verdict.kind === 'delivered') {
      this.#tell(entry, attempts, 'delivered', { status: verdict.status, ms: tookMs });
      delivered(origin, entry.progress.notification.time, clock.now());
      log.info('notification.delivered', { ...line, status: verdict.status });
      return undefined;
    }
    const { dead, result, error, status } = verdict;
    const ms = dead === undefined ? retryDelayMs(retry, attempts, clock.random()) : undefined;
    log.warn('notification.failed', { ...line, result, error, status, retry_in_ms: ms });
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
    this.#parts.timeline.add({ step: 'attempted', ...happensNow(notification), ...made });
  }

  async #giveUp(entry: Entry, origin: string, ending: Ending): Promise<void> {
    const { deadLetters, clock, log } = this.#parts;
    const call = entry.progress.notification.uuid;
    await deadLetters.keep({ ...entry, call, origin, time: clock.now(), ...ending });
    keptDead(origin, ending.reason);
    log.error('notification.dead', { ...about(entry, origin), ...ending });
  }
}
