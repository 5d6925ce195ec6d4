import { setTimeout as pause } from 'node:timers/promises';
import type { Consumer, JsMsg } from '@nats-io/jetstream';
import { SpanKind } from '@opentelemetry/api';
import { MessageError, readMessage, traceFromHeaders } from '#libs/bus/message.ts';
import { ProgressEvent } from '#libs/contract/messages.ts';
import { type Entry, entryOf } from '#libs/queue/entry.ts';
import { callContext } from '#libs/telemetry/call-ids.ts';
import { aboutCall, type Log } from '#libs/telemetry/log.ts';
import { type OpenSpan, openSpan, traceHeaders } from '#libs/telemetry/tracing.ts';
import type { Receipt } from './dispatcher.ts';

/** Expiry of a pull request, ms. */
const FETCH_MS = 5_000;
/**
 * Expiry of the first pull request after a failure, ms: shows soon whether reading works again. NATS allows no less.
 */
const FIRST_FETCH_MS = 1_000;
/**
 * Time after the expiry at which the reader ends a pull request itself, ms. nats-server can let one expire without a
 * reply when a message arrives at that moment.
 */
const OVERDUE_MS = 500;
/** Number of pull requests in a row that may end without a reply. */
const SILENT_FETCHES = 1;
const FETCH_MESSAGES = 256;
const RESTART_MS = 500;
/** How long a stop waits for the batch being stored, ms. */
const STOP_MS = 1_000;
/** Time without progress after which the reader counts as stuck, ms. */
const STUCK_MS = 15_000;

export interface ReaderParts {
  readonly partition: number;
  /** Recreates the consumer of the partition, which then starts at the oldest message that is not acknowledged. */
  readonly openConsumer: () => Promise<Consumer>;
  readonly dispatch: (entries: readonly Entry[]) => Promise<readonly Receipt[]>;
  readonly log: Log;
}

/** A message being processed. */
interface Reading {
  readonly message: JsMsg;
  readonly entry: Entry;
  readonly span: OpenSpan;
}

/** Settles like `work`, or rejects when the signal is aborted first. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.throwIfAborted();
  signal.addEventListener('abort', abort, { once: true });
  return Promise.race([work, aborted]).finally(() => signal.removeEventListener('abort', abort));
}

/**
 * Reads one partition of the progress stream in order while this notifier has the partition lease. A message is
 * acknowledged when its receipt is `safe`. When the order may be broken (a message lost with a connection, a batch
 * refused by Redis, a delivery that did not end safely) the reader starts again at the oldest unacknowledged message.
 */
export class StreamReader {
  readonly #parts: ReaderParts;
  readonly #stopped = new AbortController();
  readonly #running: Promise<void>;
  #restart = new AbortController();
  #failure: string | undefined;
  #started = false;
  #processing: Promise<void> = Promise.resolve();
  #progressAt = performance.now();

  constructor(parts: ReaderParts) {
    this.#parts = parts;
    this.#running = this.#run();
  }

  /** The failed check for /readyz; undefined when the reader makes progress. */
  problem(): string | undefined {
    if (this.#failure !== undefined) return this.#failure;
    const idleMs = Math.round(performance.now() - this.#progressAt);
    if (idleMs < STUCK_MS) return undefined;
    return `partition ${this.#parts.partition}: no progress for ${idleMs} ms`;
  }

  /** Whether JetStream has given this reader a consumer. */
  get started(): boolean {
    return this.#started;
  }

  /** Restarts at the oldest unacknowledged message, after a pause. */
  restart(reason: Error): void {
    this.#restart.abort(reason);
  }

  /** Stops reading. Waits up to `STOP_MS` for the batch being stored; unacknowledged messages stay in JetStream. */
  async stop(): Promise<void> {
    this.#stopped.abort(new Error('stopped'));
    await this.#running;
    await Promise.race([this.#processing, pause(STOP_MS, undefined, { ref: false })]).catch(() => {});
  }

  async #run(): Promise<void> {
    const stopped = this.#stopped.signal;
    while (!stopped.aborted) {
      this.#restart = new AbortController();
      try {
        await this.#read(AbortSignal.any([stopped, this.#restart.signal]));
      } catch (error) {
        if (stopped.aborted) return;
        const { message } = error as Error;
        if (message !== this.#failure)
          this.#parts.log.debug('stream.read_failed', { err: error, partition: this.#parts.partition });
        this.#failure = message;
      }
      await pause(RESTART_MS, undefined, { signal: stopped }).catch(() => {});
    }
  }

  /** Reads until the signal is aborted. @throws when the order may be broken or a server does not answer. */
  async #read(signal: AbortSignal): Promise<never> {
    const consumer = await unlessAborted(this.#parts.openConsumer(), signal);
    this.#started = true;
    let delivered = 0;
    let fetchMs = FIRST_FETCH_MS;
    for (let silent = 0; ; ) {
      let isOverdue = false;
      const fetching = consumer.fetch({ max_messages: FETCH_MESSAGES, expires: fetchMs });
      const messages = await unlessAborted(fetching, signal);
      const end = () => messages.stop();
      signal.addEventListener('abort', end, { once: true });
      const overdue = setTimeout(() => {
        isOverdue = true;
        end();
      }, fetchMs + OVERDUE_MS);
      try {
        let batch: JsMsg[] = [];
        for await (const message of messages) {
          if (message.info.deliverySequence !== ++delivered) throw new Error('a message was lost on its way');
          batch.push(message);
          // Messages that arrived together are processed in one batch.
          if (messages.getPending() > 0) continue;
          await unlessAborted(this.#start(batch), signal);
          this.#madeProgress();
          silent = 0;
          batch = [];
        }
        if (batch.length > 0) await unlessAborted(this.#start(batch), signal);
      } finally {
        signal.removeEventListener('abort', end);
        clearTimeout(overdue);
        messages.stop();
      }
      signal.throwIfAborted();
      silent = isOverdue ? silent + 1 : 0;
      if (silent > SILENT_FETCHES) throw new Error('JetStream does not answer pull requests');
      if (!isOverdue) this.#madeProgress();
      fetchMs = FETCH_MS;
    }
  }

  #madeProgress(): void {
    this.#progressAt = performance.now();
    this.#failure = undefined;
  }

  #start(messages: readonly JsMsg[]): Promise<void> {
    this.#processing = this.#process(messages);
    return this.#processing;
  }

  /** @throws when the messages could not be stored. */
  async #process(messages: readonly JsMsg[]): Promise<void> {
    const readings = messages.flatMap((message) => this.#open(message));
    if (readings.length === 0) return;
    try {
      const receipts = await this.#parts.dispatch(readings.map(({ entry }) => entry));
      for (const [index, reading] of readings.entries()) {
        const receipt = receipts[index];
        if (receipt) this.#settle(reading, receipt);
      }
    } catch (error) {
      for (const { span } of readings) span.fail(error as Error);
      throw error;
    } finally {
      for (const { span } of readings) span.end();
    }
  }

  /** Returns nothing for an invalid message, which is removed from the stream. */
  #open(message: JsMsg): Reading[] {
    let progress: ProgressEvent;
    try {
      progress = readMessage(ProgressEvent, message.subject, message.data);
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
      this.#parts.log.error('stream.message_invalid', { err: error, seq: message.seq });
      message.term();
      return [];
    }
    const { uuid, node } = progress.notification;
    const span = openSpan('process progress', {
      parent: traceFromHeaders(message.headers, () => callContext(uuid)),
      kind: SpanKind.CONSUMER,
      attributes: { 'dialhook.call': uuid, 'dialhook.node': node },
    });
    const entry = entryOf(progress, message.seq, traceHeaders(span.context));
    span.set('dialhook.notification', entry.id);
    return [{ message, entry, span }];
  }

  #settle({ message, entry, span }: Reading, { placement, safe }: Receipt): void {
    const { log } = this.#parts;
    span.set('dialhook.repeat', placement === 'repeat' || placement === 'done');
    if (placement === 'late') {
      const { uuid, node, action } = entry.progress.notification;
      log.warn('notification.late', { ...aboutCall(uuid, node), notification: entry.id, action });
    }
    safe.then(() => message.ack()).catch((error: Error) => this.restart(error));
  }
}
