import { setTimeout as pause } from 'node:timers/promises';
import type { Consumer, JsMsg } from '@nats-io/jetstream';
import { SpanKind } from '@opentelemetry/api';
import { callIn, hasTrace, MessageError, readMessage, traceFromHeaders } from '#libs/bus/message.ts';
import { ProgressEvent } from '#libs/contract/messages.ts';
import { isEntryFault, isOwnFault, type SetAside } from '#libs/isolation/set-aside.ts';
import { entryOf, type QueueEntry } from '#libs/queue/entry.ts';
import { callContext } from '#libs/telemetry/call-ids.ts';
import { aboutCall, type Log } from '#libs/telemetry/log.ts';
import { isRecording, type OpenSpan, openSpan, traceHeaders } from '#libs/telemetry/tracing.ts';
import type { Receipt } from './dispatcher.ts';
import { unlessAborted } from './unless-aborted.ts';

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
/** Time without progress after which the reader counts as stalled, ms. */
const STALLED_MS = 15_000;

export interface ReaderParts {
  readonly partition: number;
  /** Recreates the consumer of the partition, which then starts at the oldest message that is not acknowledged. */
  readonly openConsumer: () => Promise<Consumer>;
  readonly dispatch: (entries: readonly QueueEntry[]) => Promise<readonly Receipt[]>;
  /** Makes a dead letter of a notification that cannot be stored because of the error. */
  readonly keepDead: (entry: QueueEntry, error: Error) => Promise<void>;
  /** Called for each failure; the reader starts again. */
  readonly onFailed: (error: Error) => void;
  readonly log: Log;
  readonly aside: SetAside;
}

/** A message being processed. */
interface OpenMessage {
  readonly message: JsMsg;
  readonly entry: QueueEntry;
  readonly span: OpenSpan;
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
  #isReading = false;
  /** Sequence number of the last message read since the restart. */
  #lastSeq = 0;
  /** Sequence numbers of the messages that were read since the restart and are not acknowledged. */
  readonly #unacknowledged = new Set<number>();
  #processing: Promise<void> = Promise.resolve();
  #progressAt = performance.now();

  constructor(parts: ReaderParts) {
    this.#parts = parts;
    this.#running = this.#run();
  }

  /** The failed check for /readyz; undefined while the reader makes progress. */
  problem(): string | undefined {
    const idleMs = Math.round(performance.now() - this.#progressAt);
    if (idleMs < STALLED_MS) return undefined;
    return `partition ${this.#parts.partition}: no progress for ${idleMs} ms`;
  }

  /** Whether JetStream has answered a pull request since the start and since the last failure. */
  get isReading(): boolean {
    return this.#isReading;
  }

  /** Whether this reader has passed a message that is in the stream, or waits for messages although it is there. */
  hasPassed(seq: number): boolean {
    if (this.#unacknowledged.has(seq)) return false;
    return seq < this.#lastSeq || (this.#isReading && this.#unacknowledged.size === 0);
  }

  /** Restarts at the oldest unacknowledged message, after a pause. */
  restart(reason: Error): void {
    this.#failed(reason);
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
        this.#failed(error as Error);
      }
      await pause(RESTART_MS, undefined, { signal: stopped }).catch(() => {});
    }
  }

  /** Reads until the signal is aborted. @throws when the order may be broken or a server does not answer. */
  async #read(signal: AbortSignal): Promise<never> {
    this.#lastSeq = 0;
    this.#unacknowledged.clear();
    const consumer = await unlessAborted(this.#parts.openConsumer(), signal);
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
    this.#isReading = true;
  }

  #failed(error: Error): void {
    this.#isReading = false;
    this.#parts.onFailed(error);
  }

  #start(messages: readonly JsMsg[]): Promise<void> {
    this.#processing = this.#process(messages);
    return this.#processing;
  }

  /** @throws when the messages could not be stored. */
  async #process(messages: readonly JsMsg[]): Promise<void> {
    const opened = messages.flatMap((message) => this.#open(message));
    if (opened.length === 0) return;
    try {
      const receipts = await this.#dispatch(opened);
      for (const [index, one] of opened.entries()) {
        const receipt = receipts[index];
        if (receipt) this.#settle(one, receipt);
      }
    } catch (error) {
      for (const { span } of opened) span.fail(error as Error);
      throw error;
    } finally {
      for (const { span } of opened) span.end();
    }
  }

  /**
   * If an entry cannot be stored, all are stored one by one, and that entry is set aside as a dead letter: it has no
   * receipt.
   */
  async #dispatch(opened: readonly OpenMessage[]): Promise<readonly (Receipt | undefined)[]> {
    const { dispatch } = this.#parts;
    try {
      return await dispatch(opened.map(({ entry }) => entry));
    } catch (error) {
      if (!isEntryFault(error)) throw error;
    }
    const receipts: (Receipt | undefined)[] = [];
    for (const one of opened) {
      try {
        receipts.push((await dispatch([one.entry]))[0]);
      } catch (error) {
        if (!isEntryFault(error)) throw error;
        await this.#setAside(one, error as Error);
        receipts.push(undefined);
      }
    }
    return receipts;
  }

  /**
   * A notification of which not even a dead letter can be written is dropped.
   * @throws an error of Redis. Then the message is read again.
   */
  async #setAside({ message, entry, span }: OpenMessage, cause: Error): Promise<void> {
    const { keepDead, aside } = this.#parts;
    span.fail(cause);
    await keepDead(entry, cause).catch((error: Error) => {
      if (!isOwnFault(error)) throw error;
    });
    aside.add('notification', cause, { call: entry.progress.notification.uuid, notification: entry.id });
    message.term();
    this.#unacknowledged.delete(message.seq);
  }

  /** Returns nothing for an invalid message, which is removed from the stream. */
  #open(message: JsMsg): OpenMessage[] {
    let progress: ProgressEvent;
    this.#lastSeq = message.seq;
    try {
      progress = readMessage(ProgressEvent, message.subject, message.data);
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
      this.#parts.aside.add('nats_message', error, { seq: message.seq, ...callIn(message.data) });
      message.term();
      return [];
    }
    const { uuid, node } = progress.notification;
    const span = openSpan('process progress', {
      parent: traceFromHeaders(message.headers, () => callContext(uuid)),
      kind: SpanKind.CONSUMER,
      attributes: { 'dialhook.call': uuid, 'dialhook.node': node },
    });
    const isTraced = hasTrace(message.headers) || isRecording(span.context);
    const entry = entryOf(progress, message.seq, isTraced ? traceHeaders(span.context) : {});
    span.set('dialhook.notification', entry.id);
    this.#unacknowledged.add(message.seq);
    return [{ message, entry, span }];
  }

  #acknowledge(message: JsMsg): void {
    message.ack();
    this.#unacknowledged.delete(message.seq);
  }

  #settle({ message, entry, span }: OpenMessage, { placement, safe }: Receipt): void {
    const { log } = this.#parts;
    span.set('dialhook.repeat', placement === 'repeat' || placement === 'done');
    if (placement === 'late') {
      const { uuid, node, action } = entry.progress.notification;
      log.warn('notification.late', { ...aboutCall(uuid, node), notification: entry.id, action });
    }
    safe.then(() => this.#acknowledge(message)).catch((error: Error) => this.restart(error));
  }
}
