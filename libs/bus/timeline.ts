import { DiscardPolicy, RetentionPolicy } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { BUS } from '#libs/contract/messages.ts';
import type { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { serviceInstance } from '#libs/telemetry/instance.ts';
import type { Bus } from './connection.ts';
import { ensureStream } from './streams.ts';
import { subjectToken } from './subject.ts';
import { publicStep, type Step } from './timeline-step.ts';

/** Bounds of steps not written yet, and of bytes written but not confirmed by NATS. Further steps are dropped. */
const MAX_WAITING = 10_000;
const MAX_UNCONFIRMED_BYTES = 8 * 1024 * 1024;
/**
 * Steps are written in batches, this long after the first or when so many wait: each write wakes NATS and every subscriber,
 * and a large batch delays the calls that are being decided.
 */
const BATCH_MS = 250;
const BATCH_STEPS = 64;
/** A PING asks NATS for a confirmation after this many bytes. */
const CONFIRM_EVERY_BYTES = 64 * 1024;

export interface TimelineLimits {
  readonly replicas: number;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
}

/** Creates the stream of timelines or updates its limits. When it is full, JetStream drops the oldest steps. */
export async function ensureTimelineStream(bus: Bus, limits: TimelineLimits): Promise<void> {
  const manager = await bus.jetstreamManager();
  await ensureStream(manager, {
    name: BUS.timelineStream,
    subjects: [`${BUS.timeline}.*`],
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.Old,
    max_bytes: limits.maxBytes,
    max_age: nanos(limits.maxAgeMs),
    num_replicas: limits.replicas,
    // Publishers do not wait for acknowledgements, so JetStream need not send any.
    no_ack: true,
  });
}

/** The subject of a call's steps. */
export const timelineSubject = (uuid: string): string => `${BUS.timeline}.${subjectToken(uuid)}`;

export interface TimelineRecorder {
  /** Returns at once and never throws. */
  add(step: Step): void;
}

/** Records nothing. */
export const NO_TIMELINE: TimelineRecorder = { add: () => {} };

export interface TimelineOptions {
  /** The publishing process, as SERVICE@INSTANCE. */
  readonly by: string;
  readonly enabled: boolean;
  readonly numbers: 'full' | 'masked';
}

/**
 * Publishes the steps of calls on NATS without waiting for acknowledgements. Steps are written in batches, and dropped and
 * counted when NATS is disconnected or slower than the calls.
 */
export class TimelinePublisher implements TimelineRecorder {
  readonly #bus: Bus;
  readonly #options: TimelineOptions;
  #waiting: Step[] = [];
  #timer: NodeJS.Timeout | undefined;
  #unconfirmedBytes = 0;
  #confirming = false;
  #dropped = 0;

  constructor(bus: Bus, options: TimelineOptions) {
    this.#bus = bus;
    this.#options = options;
  }

  get dropped(): number {
    return this.#dropped;
  }

  add(step: Step): void {
    if (!this.#options.enabled) return;
    if (this.#waiting.length >= MAX_WAITING) {
      this.#dropped++;
      return;
    }
    const size = this.#waiting.push(step);
    if (size === 1) this.#timer = setTimeout(() => this.flush(), BATCH_MS);
    else if (size === BATCH_STEPS) setImmediate(() => this.flush());
  }

  /** Writes all waiting steps. */
  flush(): void {
    clearTimeout(this.#timer);
    const steps = this.#waiting;
    this.#waiting = [];
    for (const step of steps) if (!this.#write(step)) this.#dropped++;
  }

  #write(step: Step): boolean {
    const { nats, connected } = this.#bus;
    if (!connected || this.#unconfirmedBytes >= MAX_UNCONFIRMED_BYTES) return false;
    try {
      const { by, numbers } = this.#options;
      const text = JSON.stringify({ v: 1, by, ...publicStep(step, numbers) });
      nats.publish(timelineSubject(step.uuid), text);
      this.#unconfirmedBytes += text.length;
    } catch {
      return false;
    }
    if (this.#unconfirmedBytes >= CONFIRM_EVERY_BYTES) this.#confirm();
    return true;
  }

  #confirm(): void {
    if (this.#confirming) return;
    this.#confirming = true;
    const bytes = this.#unconfirmedBytes;
    // When the connection is lost, its unconfirmed bytes are lost too.
    const done = () => {
      this.#confirming = false;
      this.#unconfirmedBytes -= bytes;
    };
    this.#bus.nats.flush().then(done, done);
  }
}

interface TimelineConfig {
  readonly TIMELINE: 'on' | 'off';
  readonly LOG_NUMBERS: 'full' | 'masked';
}

/** The timeline of a service, according to its settings. Waiting steps are written when the service stops. */
export function openTimeline(
  bus: Bus,
  service: string,
  config: TimelineConfig,
  lifecycle: Lifecycle,
): TimelinePublisher {
  const by = serviceInstance(service);
  const timeline = new TimelinePublisher(bus, {
    by,
    enabled: config.TIMELINE === 'on',
    numbers: config.LOG_NUMBERS,
  });
  lifecycle.onStop('timeline', () => timeline.flush());
  return timeline;
}
