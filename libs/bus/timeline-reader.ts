import { setTimeout as pause } from 'node:timers/promises';
import { type ConsumerMessages, DeliverPolicy, type JsMsg } from '@nats-io/jetstream';
import { BUS } from '#libs/contract/messages.ts';
import { TimelineStep } from '#libs/contract/timeline.ts';
import type { SetAside } from '#libs/isolation/set-aside.ts';
import { inBackground } from '#libs/lifecycle/background.ts';
import type { Log } from '#libs/telemetry/log.ts';
import type { Bus } from './connection.ts';
import { fetchMessages } from './fetch-messages.ts';
import { callIn, readMessage } from './message.ts';
import { isStreamMissing } from './streams.ts';
import { timelineSubject } from './timeline.ts';

const REQUEST_TIMEOUT_MS = 2_000;
const RETRY_MS = 1_000;
/** Steps read for one call at most: a script may transfer a call without end. */
const MAX_STEPS = 2_000;

/** The client reports these when its consumer no longer exists. */
const CONSUMER_LOST = new Set<string>([
  'consumer_deleted',
  'consumer_not_found',
  'stream_not_found',
  'ordered_consumer_recreated',
]);

/** @returns undefined for an invalid step. */
export function readStep(message: JsMsg, log: Log): TimelineStep | undefined {
  try {
    return readMessage(TimelineStep, message.subject, message.data);
  } catch (error) {
    // For example from another version of Dialhook. The other steps are still useful.
    log.debug('timeline.step_invalid', { err: error });
    return undefined;
  }
}

/**
 * The steps of one call that the stream still has, in stream order: all, or the first 2,000. Invalid steps are left out.
 * Throws when NATS does not send them.
 */
export async function readTimeline(bus: Bus, uuid: string, log: Log): Promise<TimelineStep[]> {
  const client = bus.jetstream({ timeout: REQUEST_TIMEOUT_MS });
  const manager = await bus.jetstreamManager({ timeout: REQUEST_TIMEOUT_MS });
  const subject = timelineSubject(uuid);
  const steps: TimelineStep[] = [];
  try {
    const last = await manager.streams.getMessage(BUS.timelineStream, { last_by_subj: subject });
    if (last === null) return [];
    const consumer = await client.consumers.get(BUS.timelineStream, { filter_subjects: subject });
    try {
      let read = 0;
      for await (const message of fetchMessages(consumer, {
        max: MAX_STEPS,
        silenceMs: REQUEST_TIMEOUT_MS,
      })) {
        read++;
        const step = readStep(message, log);
        if (step !== undefined) steps.push(step);
        if (message.seq >= last.seq) return steps;
      }
      if (read < MAX_STEPS) throw new Error(`NATS sent no step of the call for ${REQUEST_TIMEOUT_MS} ms`);
    } finally {
      if (bus.connected) await consumer.delete().catch(() => {});
    }
  } catch (error) {
    if (isStreamMissing(error)) return [];
    throw error;
  }
  return steps;
}

/** Reads the steps of all calls from the beginning of the stream and follows it until `close`. */
export class TimelineFollower {
  readonly #bus: Bus;
  readonly #log: Log;
  readonly #aside: SetAside;
  readonly #onStep: (step: TimelineStep, order: number) => void;
  readonly #onRestart: () => void;
  readonly #ended = new AbortController();
  #caughtUp = false;
  #stop: () => void = () => {};

  /** `onRestart` is called each time before the stream is read from its beginning. */
  constructor(
    bus: Bus,
    log: Log,
    aside: SetAside,
    onStep: (step: TimelineStep, order: number) => void,
    onRestart: () => void = () => {},
  ) {
    this.#bus = bus;
    this.#log = log;
    this.#aside = aside;
    this.#onStep = onStep;
    this.#onRestart = onRestart;
    inBackground(log, 'timeline reader', this.#run());
  }

  /** Whether the reader has reached the end of the stream since it last began to read it. True without a stream. */
  get caughtUp(): boolean {
    return this.#caughtUp;
  }

  close(): void {
    this.#ended.abort();
    this.#stop();
  }

  async #run(): Promise<void> {
    const { signal } = this.#ended;
    for (let logged = ''; !signal.aborted; ) {
      try {
        await this.#follow();
      } catch (error) {
        const { message } = error as Error;
        // The stream may not exist before the first notifier has started.
        if (isStreamMissing(error)) this.#caughtUp = true;
        else if (message !== logged) this.#log.warn('timeline.read_failed', { err: error });
        logged = message;
      }
      await pause(RETRY_MS, undefined, { signal }).catch(() => {});
    }
  }

  async #follow(): Promise<void> {
    const client = this.#bus.jetstream({ timeout: REQUEST_TIMEOUT_MS });
    const created = await this.#created();
    this.#caughtUp = false;
    this.#onRestart();
    const consumer = await client.consumers.get(BUS.timelineStream, { deliver_policy: DeliverPolicy.All });
    const { num_pending } = await consumer.info();
    if (num_pending === 0) this.#caughtUp = true;
    const messages = await consumer.consume();
    this.#stop = () => messages.stop();
    if (this.#ended.signal.aborted) messages.stop();
    inBackground(this.#log, 'timeline stream status', this.#watch(messages, created));
    for await (const message of messages) {
      this.#aside.run(
        'timeline_step',
        () => ({ seq: message.seq, ...callIn(message.data) }),
        () => this.#onStep(readMessage(TimelineStep, message.subject, message.data), message.seq),
      );
      if (message.info.pending === 0) this.#caughtUp = true;
    }
  }

  async #created(): Promise<string> {
    const manager = await this.#bus.jetstreamManager({ timeout: REQUEST_TIMEOUT_MS });
    return (await manager.streams.info(BUS.timelineStream)).created;
  }

  /** The client restores a lost consumer by itself, but a recreated stream must be read from its beginning. */
  async #watch(messages: ConsumerMessages, created: string): Promise<void> {
    for await (const { type } of messages.status()) {
      if (!CONSUMER_LOST.has(type)) continue;
      const now = await this.#created().catch((error: unknown) => (isStreamMissing(error) ? '' : created));
      if (now !== created) messages.stop();
    }
  }
}
