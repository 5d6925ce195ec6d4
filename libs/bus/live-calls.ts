import { RetryBuffer } from '#libs/buffer/retry-buffer.ts';
import { LiveCall } from '#libs/contract/messages.ts';
import type { SetAside } from '#libs/isolation/set-aside.ts';
import { aboutCall, type Log } from '#libs/telemetry/log.ts';
import type { Bus } from './connection.ts';
import { callOfSubject, LiveCallStream, liveCallSubject } from './live-call-stream.ts';
import { readMessage } from './message.ts';
import type { LatestMessageLimits } from './streams.ts';
import { UnsendableError } from './subject.ts';

const MAX_IN_FLIGHT = 256;
const LOG_EVERY_DROPPED = 1_000;

export interface LiveCallLimits extends LatestMessageLimits {
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

  constructor(bus: Bus, limits: LiveCallLimits, log: Log, aside: SetAside) {
    this.#bus = bus;
    this.#stream = new LiveCallStream(bus, limits);
    this.#buffer = new RetryBuffer({
      keyOf: ({ subject }) => subject,
      send: (change) => this.#send(change),
      merge: (waiting, newer) => ({ ...newer, sent: waiting.sent || newer.sent }),
      limit: limits.maxBuffered,
      maxInFlight: MAX_IN_FLIGHT,
      onDropped: ({ subject }, dropped) => {
        if (dropped % LOG_EVERY_DROPPED !== 1) return;
        const { node, uuid } = callOfSubject(subject);
        const limit = { limit: limits.maxBuffered, setting: 'MAX_BUFFERED_LIVE_CALLS' };
        log.error('live_call.dropped', { ...aboutCall(uuid, node), dropped, ...limit });
      },
      onSetAside: ({ subject }, error) => aside.add('live_call', error, { subject }),
      onFailed: () => this.#stream.recheck(),
      onOutage: (err) => log.warn('live_call.write_failed', { err, buffered: this.buffered }),
      onRestored: (outage) => log.info('live_call.write_restored', { ...outage, buffered: this.buffered }),
    });
    bus.onChange((connected) => {
      if (connected) this.#buffer.retry();
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

  /** The error of the last failed change; undefined when all that failed are accepted. */
  get trouble(): string | undefined {
    return this.#buffer.trouble;
  }

  /** Records a live call. Resolves when JetStream has stored it, or when the first attempt has failed. */
  async add(call: LiveCall): Promise<void> {
    const subject = liveCallSubject(call.node, call.uuid);
    this.#buffer.add({ subject, body: JSON.stringify(call), sent: false });
    await this.#buffer.attempted(subject);
  }

  /** Removes a call whose hangup is published. Returns at once. */
  remove({ node, uuid }: { readonly node: string; readonly uuid: string }): void {
    const subject = this.#subject(node, uuid);
    if (subject === undefined) return;
    const neverSent = this.#buffer.waiting(subject)?.sent === false && !this.#stream.knows(subject);
    if (neverSent && this.#buffer.discard(subject)) return;
    this.#buffer.add({ subject, body: undefined, sent: true });
  }

  /** Drops the local state of a call that another agent has removed. */
  forget(node: string, uuid: string): void {
    this.#stream.forget(liveCallSubject(node, uuid));
  }

  knows(node: string, uuid: string): boolean {
    const subject = this.#subject(node, uuid);
    return subject !== undefined && this.#stream.knows(subject);
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

  /** Undefined for a call that has no entry, because no subject can hold its uuid or node. */
  #subject(node: string, uuid: string): string | undefined {
    try {
      return liveCallSubject(node, uuid);
    } catch (error) {
      if (error instanceof UnsendableError) return undefined;
      throw error;
    }
  }

  async #send(change: Change): Promise<void> {
    if (!this.#bus.connected) throw new Error('not connected to NATS');
    change.sent = true;
    if (change.body === undefined) await this.#stream.delete(change.subject);
    else await this.#stream.write(change.subject, change.body);
  }
}
