import { RetryBuffer } from '#libs/buffer/retry-buffer.ts';
import { LiveCall } from '#libs/contract/messages.ts';
import type { Log } from '#libs/telemetry/log.ts';
import type { Bus } from './connection.ts';
import { LiveCallStream, type LiveCallStreamLimits, liveCallSubject } from './live-call-stream.ts';
import { readMessage } from './message.ts';

const MAX_IN_FLIGHT = 256;
const LOG_EVERY_DROPPED = 1_000;

export interface LiveCallLimits extends LiveCallStreamLimits {
  /** Writes and deletions buffered while NATS does not accept them. */
  readonly maxBuffered: number;
}

/** A write, or a deletion when there is no `body`. */
interface Change {
  readonly subject: string;
  readonly body: string | undefined;
  /** Whether a write may have reached the stream. */
  sent: boolean;
}

/**
 * Live calls in a JetStream stream, from which the next agent of the node reads them after a crash. Changes are
 * buffered and retried until JetStream has accepted them; for each call only the newest change is kept.
 */
export class LiveCalls {
  readonly #stream: LiveCallStream;
  readonly #buffer: RetryBuffer<Change>;
  readonly #bus: Bus;
  readonly #log: Log;
  #trouble: string | undefined;

  constructor(bus: Bus, limits: LiveCallLimits, log: Log) {
    this.#bus = bus;
    this.#log = log;
    this.#stream = new LiveCallStream(bus, limits);
    this.#buffer = new RetryBuffer({
      keyOf: ({ subject }) => subject,
      send: (change) => this.#send(change),
      merge: (waiting, newer) => ({ ...newer, sent: waiting.sent || newer.sent }),
      limit: limits.maxBuffered,
      maxInFlight: MAX_IN_FLIGHT,
      onDropped: (_, dropped) => {
        if (dropped % LOG_EVERY_DROPPED === 1) log.error('live_call.dropped', { dropped });
      },
      onFailed: (error) => this.#failed(error),
    });
  }

  /** Writes and deletions that JetStream has not accepted yet. */
  get buffered(): number {
    return this.#buffer.size;
  }

  /** Known live calls: written by this agent, or read from the stream by `uuids`. */
  get size(): number {
    return this.#stream.size;
  }

  get dropped(): number {
    return this.#buffer.dropped;
  }

  /** The error of the last failed change; undefined after a successful one. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** Records a live call. Resolves when JetStream has stored it, or when the first attempt has failed. */
  async add(call: LiveCall): Promise<void> {
    const subject = liveCallSubject(call.node, call.uuid);
    this.#buffer.add({ subject, body: JSON.stringify(call), sent: false });
    await this.#buffer.attempted(subject);
  }

  /** Removes a call whose hangup is published. Returns at once. */
  remove({ node, uuid }: { readonly node: string; readonly uuid: string }): void {
    const subject = liveCallSubject(node, uuid);
    const neverSent = this.#buffer.waiting(subject)?.sent === false && !this.#stream.knows(subject);
    if (neverSent && this.#buffer.discard(subject)) return;
    this.#buffer.add({ subject, body: undefined, sent: true });
  }

  /** Drops the local state of a call that another agent has removed. */
  forget(node: string, uuid: string): void {
    this.#stream.forget(liveCallSubject(node, uuid));
  }

  knows(node: string, uuid: string): boolean {
    return this.#stream.knows(liveCallSubject(node, uuid));
  }

  /** The uuids of the node's calls in the stream, written by any agent. */
  uuids(node: string): Promise<string[]> {
    return this.#stream.uuids(node);
  }

  /** The call as stored; undefined when it has been removed. */
  async find(node: string, uuid: string): Promise<LiveCall | undefined> {
    const subject = liveCallSubject(node, uuid);
    const stored = await this.#stream.read(subject);
    return stored === null ? undefined : readMessage(LiveCall, subject, stored.data);
  }

  /** Resolves when every buffered change is accepted, or `cancel` fires. Later changes are ignored. */
  drain(cancel: AbortSignal): Promise<void> {
    return this.#buffer.drain(cancel);
  }

  async #send(change: Change): Promise<void> {
    if (!this.#bus.connected) throw new Error('not connected to NATS');
    change.sent = true;
    if (change.body === undefined) await this.#stream.delete(change.subject);
    else await this.#stream.write(change.subject, change.body);
    this.#trouble = undefined;
  }

  #failed(error: Error): void {
    if (this.#trouble === undefined)
      this.#log.warn('live_call.write_failed', { err: error, buffered: this.buffered });
    this.#trouble = error.message;
    this.#stream.recheck();
  }
}
