import { DiscardPolicy, jetstreamManager, RetentionPolicy } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { BUS } from '#libs/contract/messages.ts';
import { instanceOf } from '#libs/lifecycle/instance.ts';
import type { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import type { Bus } from './connection.ts';
import { ensureStream } from './streams.ts';
import { subjectToken } from './subject.ts';
import { publicStep, type Step } from './trail-step.ts';

/** Steps not yet written, and bytes written that NATS has not confirmed to have read. Beyond it steps are dropped. */
const MAX_WAITING = 10_000;
const MAX_UNREAD_BYTES = 8 * 1024 * 1024;
/** Steps are written together, this long after the first of them: each write wakes up NATS and whoever listens. */
const GATHER_MS = 20;
/** After so many bytes NATS is asked how far it has read. */
const ASK_EVERY_BYTES = 64 * 1024;

export interface TrailLimits {
  readonly replicas: number;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
}

/** Creates the stream that keeps the trails, or brings it to these limits: the oldest steps give way. */
export async function ensureTrailStream(bus: Bus, limits: TrailLimits): Promise<void> {
  const manager = await jetstreamManager(bus.nats);
  await ensureStream(manager, {
    name: BUS.trailStream,
    subjects: [`${BUS.trail}.*`],
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
export const trailSubject = (uuid: string): string => `${BUS.trail}.${subjectToken(uuid)}`;

export interface TrailTeller {
  /** Returns at once and never throws. */
  add(step: Step): void;
}

/** For whoever has no trail to tell of. */
export const NO_TRAIL: TrailTeller = { add: () => {} };

export interface TrailOptions {
  /** Who tells, as SERVICE@INSTANCE. */
  readonly by: string;
  readonly on: boolean;
  readonly numbers: 'full' | 'masked';
}

/**
 * Tells the steps of calls on NATS, without acknowledgement. Nothing waits for it: steps are written a moment
 * later, together, and dropped and counted when NATS is away or does not read as fast.
 */
export class Trail implements TrailTeller {
  readonly #bus: Bus;
  readonly #options: TrailOptions;
  #waiting: Step[] = [];
  #unreadBytes = 0;
  #asking = false;
  #dropped = 0;

  constructor(bus: Bus, options: TrailOptions) {
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
      nats.publish(trailSubject(step.uuid), text);
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

interface TrailConfig {
  readonly TRAIL: 'on' | 'off';
  readonly LOG_NUMBERS: 'full' | 'masked';
}

/** The trail as a service's settings want it; what waits is written before the service lets go of NATS. */
export function openTrail(bus: Bus, service: string, config: TrailConfig, lifecycle: Lifecycle): Trail {
  const by = instanceOf(service);
  const trail = new Trail(bus, { by, on: config.TRAIL === 'on', numbers: config.LOG_NUMBERS });
  lifecycle.onStop('trail', () => trail.flush());
  return trail;
}
