import { setTimeout as pause } from 'node:timers/promises';
import type { JsMsg } from '@nats-io/jetstream';
import { SpanKind } from '@opentelemetry/api';
import type { Bus } from '#libs/bus/connection.ts';
import { MessageError, readMessage, traceFromHeaders } from '#libs/bus/message.ts';
import { restartProgressConsumer } from '#libs/bus/progress.ts';
import { ProgressEvent } from '#libs/contract/messages.ts';
import { type Entry, entryOf } from '#libs/queue/entry.ts';
import { callContext } from '#libs/telemetry/call-ids.ts';
import { aboutCall, type Log } from '#libs/telemetry/log.ts';
import { inSpan, traceHeaders } from '#libs/telemetry/tracing.ts';
import type { Direct, Receipt } from './direct.ts';
import type { ReaderLease } from './reader-lease.ts';

/** The shortest that NATS allows. */
const FETCH_MS = 1_000;
/** nats-server can let a fetch expire without a word when a message comes at that very moment: then we end it. */
const OVERDUE_MS = 100;
const AGAIN_MS = 500;

/** Settles as `work` does, or rejects when the signal is aborted first. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.throwIfAborted();
  signal.addEventListener('abort', abort, { once: true });
  return Promise.race([work, aborted]).finally(() => signal.removeEventListener('abort', abort));
}

/**
 * Takes progress from JetStream, in the stream's order, and acknowledges what need not come again. Of all notifiers
 * the one that holds the lease reads. Whatever could have changed the order (a new holder of the lease, a message lost with a
 * connection, one refused by Redis) makes it begin again with the oldest message not acknowledged.
 */
export class Intake {
  readonly #bus: Bus;
  readonly #makeStreams: () => Promise<void>;
  readonly #lease: ReaderLease;
  readonly #direct: Direct;
  readonly #log: Log;
  readonly #over = new AbortController();
  readonly #running: Promise<void>;
  #problem: string | undefined = 'not begun yet';
  #late = 0;

  constructor(bus: Bus, makeStreams: () => Promise<void>, lease: ReaderLease, direct: Direct, log: Log) {
    this.#bus = bus;
    this.#makeStreams = makeStreams;
    this.#lease = lease;
    this.#direct = direct;
    this.#log = log;
    this.#running = this.#run();
  }

  /** For /readyz: what is wrong, in words. */
  problem(): string | undefined {
    return this.#problem;
  }

  /** Takes nothing more. What is not acknowledged stays in JetStream. */
  async stop(): Promise<void> {
    this.#over.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#over;
    while (!signal.aborted) {
      try {
        const reading = await unlessAborted(this.#lease.take(), signal);
        this.#problem = undefined;
        if (reading) await this.#read(signal);
      } catch (error) {
        if (signal.aborted) return;
        const { message } = error as Error;
        if (message !== this.#problem) this.#log.warn('stream.read_failed', { err: error });
        this.#problem = message;
      }
      await pause(AGAIN_MS, undefined, { signal }).catch(() => {});
    }
  }

  /** Reads until the lease is somebody else's. @throws when the order may be broken or a server is away. */
  async #read(signal: AbortSignal): Promise<void> {
    await unlessAborted(this.#makeStreams(), signal);
    const consumer = await unlessAborted(restartProgressConsumer(this.#bus), signal);
    this.#log.info('stream.reading');
    let delivered = 0;
    while (await unlessAborted(this.#lease.take(), signal)) {
      const room = await this.#direct.room();
      const fetched = consumer.fetch({ max_messages: room, expires: FETCH_MS });
      const messages = await unlessAborted(fetched, signal);
      const stop = () => messages.stop();
      signal.addEventListener('abort', stop, { once: true });
      const overdue = setTimeout(stop, FETCH_MS + OVERDUE_MS);
      try {
        let batch: JsMsg[] = [];
        for await (const message of messages) {
          if (message.info.deliverySequence !== ++delivered) throw new Error('a message was lost on its way');
          batch.push(message);
          if (messages.getPending() > 0) continue;
          await unlessAborted(this.#take(batch), signal);
          batch = [];
        }
        if (batch.length > 0) await unlessAborted(this.#take(batch), signal);
      } finally {
        signal.removeEventListener('abort', stop);
        clearTimeout(overdue);
        messages.stop();
      }
    }
  }

  async #take(messages: readonly JsMsg[]): Promise<void> {
    const { promise: stored, resolve, reject } = Promise.withResolvers<Receipt[]>();
    stored.catch(() => {});
    const entries: Entry[] = [];
    const work = messages.flatMap((message) => {
      const progress = this.#parse(message);
      return progress === undefined ? [] : [this.#process(message, progress, entries, stored)];
    });
    if (entries.length > 0) this.#direct.store(entries).then(resolve, reject);
    await Promise.all(work);
  }

  #parse(message: JsMsg): ProgressEvent | undefined {
    try {
      return readMessage(ProgressEvent, message.subject, message.data);
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
      this.#log.error('stream.message_invalid', { err: error, seq: message.seq });
      message.term();
      return undefined;
    }
  }

  /** Adds the message to the batch, at once and with its span's context. */
  #process(
    message: JsMsg,
    progress: ProgressEvent,
    batch: Entry[],
    stored: Promise<Receipt[]>,
  ): Promise<void> {
    const { uuid, node } = progress.notification;
    const parent = traceFromHeaders(message.headers, () => callContext(uuid));
    const attributes = { 'dialhook.call': uuid, 'dialhook.node': node };
    return inSpan(
      'process progress',
      { parent, kind: SpanKind.CONSUMER, attributes },
      async (span, context) => {
        const entry = entryOf(progress, message.seq, traceHeaders(context));
        const position = batch.push(entry) - 1;
        span.setAttribute('dialhook.notification', entry.id);
        const receipt = (await stored)[position];
        span.setAttribute('dialhook.repeat', receipt?.placed === 'repeat');
        if (receipt?.placed === 'late') this.#tellLate(entry);
        receipt?.safe
          .then(() => message.ack())
          .catch((err: unknown) => this.#log.debug('stream.ack_failed', { err }));
      },
    );
  }

  #tellLate({ id, progress }: Entry): void {
    const { uuid, node, action } = progress.notification;
    this.#log.warn('notification.late', {
      ...aboutCall(uuid, node),
      notification: id,
      action,
      late_in_all: ++this.#late,
    });
  }
}
