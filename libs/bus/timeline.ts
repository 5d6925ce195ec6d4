import { DiscardPolicy, jetstreamManager, RetentionPolicy } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { BUS } from '#libs/contract/messages.ts';
import type { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { serviceInstance } from '#libs/telemetry/instance.ts';
import type { Bus } from './connection.ts';
import { ensureStream } from './streams.ts';
import { subjectToken } from './subject.ts';
import { publicStep, type Step } from './timeline-step.ts';

/** Steps not yet written, and bytes written that NATS has not confirmed to have read. Beyond it steps are dropped. */
const MAX_WAITING = 10_000;
const MAX_UNREAD_BYTES = 8 * 1024 * 1024;
/** Steps are written together, this long after the first of them: each write wakes up NATS and whoever listens. */
const GATHER_MS = 20;
/** After so many bytes NATS is asked how far it has read. */
const ASK_EVERY_BYTES = 64 * 1024;

export interface TimelineLimits {
  readonly replicas: number;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
}

/** Creates the stream that keeps the timelines, or brings it to these limits: the oldest steps give way. */
export async function ensureTimelineStream(bus: Bus, limits: TimelineLimits): Promise<void> {
  const manager = await jetstreamManager(bus.nats);
  await ensureStream(manager, {
    name: BUS.timelineStream,
    subjects: [`${BUS.timeline}.*`],
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.Old,
    max_bytes: limits.maxBytes,
    max_age: nanos(limits.maxAgeMs),
    num_replicas: limits.replicas,
    // Nobody waits for an answer, so none is made.
    no_ack: true,
  });
}

/** Where a call's steps are told. */
export const timelineSubject = (uuid: string): string => `${BUS.timeline}.${subjectToken(uuid)}`;

export interface TimelineRecorder {
  /** Returns at once and never throws. */
  add(step: Step): void;
}

/** For whoever has no timeline to tell of. */
export const NO_TIMELINE: TimelineRecorder = { add: () => {} };

export interface TimelineOptions {
  /** Who tells, as SERVICE@INSTANCE. */
  readonly by: string;
  readonly on: boolean;
  readonly numbers: 'full' | 'masked';
}

/**
 * Tells the steps of calls on NATS, without acknowledgement. Nothing waits for it: steps are written a moment
 * later, together, and dropped and counted when NATS is away or does not read as fast.
 */
export class TimelinePublisher implements TimelineRecorder {
  readonly #bus: Bus;
  readonly #options: TimelineOptions;
  #waiting: Step[] = [];
  #unreadBytes = 0;
  #asking = false;
  #dropped = 0;

  constructor(bus: Bus, options: TimelineOptions) {
    this.#bus = bus;
    this.#options = options;
  }

  get dropped(): number {
    return this.#dropped;
  }

  add(step: Step): void {
    if (!this.#options.on) return;
    if (this.#waiting.length >= MAX_WAITING) {
      this.#dropped++;
      return;
    }
    if (this.#waiting.push(step) === 1) setTimeout(() => this.flush(), GATHER_MS);
  }

  /** Writes what waits. */
  flush(): void {
    const steps = this.#waiting;
    this.#waiting = [];
    for (const step of steps) if (!this.#write(step)) this.#dropped++;
  }

  #write(step: Step): boolean {
    const { nats, connected } = this.#bus;
    if (!connected || this.#unreadBytes >= MAX_UNREAD_BYTES) return false;
    try {
      const { by, numbers } = this.#options;
      const text = JSON.stringify({ v: 1, by, ...publicStep(step, numbers) });
      nats.publish(timelineSubject(step.uuid), text);
      this.#unreadBytes += text.length;
    } catch {
      return false;
    }
    if (this.#unreadBytes >= ASK_EVERY_BYTES) this.#ask();
    return true;
  }

  #ask(): void {
    if (this.#asking) return;
    this.#asking = true;
    const asked = this.#unreadBytes;
    // A lost connection has lost what was under way on it as well.
    const done = () => {
      this.#asking = false;
      this.#unreadBytes -= asked;
    };
    this.#bus.nats.flush().then(done, done);
  }
}

interface TimelineConfig {
  readonly TIMELINE: 'on' | 'off';
  readonly LOG_NUMBERS: 'full' | 'masked';
}

/** The timeline as a service's settings want it; what waits is written before the service lets go of NATS. */
export function openTimeline(
  bus: Bus,
  service: string,
  config: TimelineConfig,
  lifecycle: Lifecycle,
): TimelinePublisher {
  const by = serviceInstance(service);
  const timeline = new TimelinePublisher(bus, {
    by,
    on: config.TIMELINE === 'on',
    numbers: config.LOG_NUMBERS,
  });
  lifecycle.onStop('timeline', () => timeline.flush());
  return timeline;
}
