import {
  DeliverPolicy,
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { BUS, LiveCall } from '#libs/contract/messages.ts';
import type { Log } from '#libs/telemetry/log.ts';
import type { Bus } from './connection.ts';
import { readMessage } from './message.ts';
import { ensureStream } from './streams.ts';
import { subjectToken, tokenText } from './subject.ts';

const REQUEST_TIMEOUT_MS = 2_000;
/** What nats-server says of a message that its twin has deleted; the client does not name it. */
const SEQUENCE_NOT_FOUND = 10043;
const AT_ONCE = 256;
const READ_AT_ONCE = 5_000;
const FIRST_PAUSE_MS = 250;
const LAST_PAUSE_MS = 5_000;
const LOG_EVERY_DROPPED = 1_000;

const subjectOf = (node: string, uuid: string): string =>
  `${BUS.live}.${subjectToken(node)}.${subjectToken(uuid)}`;

export interface LiveCallLimits {
  readonly replicas: number;
  /** When it is full, calls are refused, counted and logged; none that is there gives way. */
  readonly maxBytes: number;
  /** How long a call is remembered. */
  readonly maxAgeMs: number;
  /** Calls held while NATS does not take them. */
  readonly maxBuffered: number;
}

/** What is to be done about one subject. A call without `body` is over. */
interface Work {
  readonly body: string | undefined;
  /** A write of it has been tried and may have come about. */
  readonly tried: boolean;
}

const isApiError = (error: unknown, code: number): boolean =>
  error instanceof JetStreamApiError && error.code === code;

/**
 * The calls that are up, in a stream of JetStream with one message for each, so that whoever comes after a dead agent
 * knows them. It is no KV bucket: there a deleted key leaves a marker, which nats-server 2.9 keeps for the bucket's
 * ttl. Messages are deleted by sequence number, as a purge by subject reads the whole stream.
 */
export class LiveCalls {
  readonly #bus: Bus;
  readonly #limits: LiveCallLimits;
  readonly #log: Log;
  readonly #jetstream: JetStreamClient;
  /** The sequence number of each call known to be up, by subject. */
  readonly #known = new Map<string, number>();
  readonly #waiting = new Map<string, Work>();
  readonly #busy = new Map<string, Promise<void>>();
  #manager: JetStreamManager | undefined;
  /** When the stream was made: another one has other sequence numbers. */
  #created = '';
  /** The calls of this node have been read as far as this sequence number. */
  #node = '';
  #read = 0;
  #pause: NodeJS.Timeout | undefined;
  #failures = 0;
  #trouble: string | undefined;
  #dropped = 0;
  #closed = false;
  #idle = Promise.withResolvers<void>();

  constructor(bus: Bus, limits: LiveCallLimits, log: Log) {
    this.#bus = bus;
    this.#limits = limits;
    this.#log = log;
    this.#jetstream = jetstream(bus.nats, { timeout: REQUEST_TIMEOUT_MS });
  }

  /** Writes and deletions that NATS has not taken yet. */
  get buffered(): number {
    return this.#waiting.size + this.#busy.size;
  }

  /** Calls known to be up: those that this agent has written, and those of its node that it has read. */
  get size(): number {
    return this.#known.size;
  }

  get dropped(): number {
    return this.#dropped;
  }

  /** Why calls are not being written, in words; undefined when they are. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** The call is up. Resolves when NATS has it, or once that is known to take longer. */
  async add(call: LiveCall): Promise<void> {
    const subject = subjectOf(call.node, call.uuid);
    this.#put(subject, { body: JSON.stringify(call), tried: this.#waiting.get(subject)?.tried ?? false });
    await this.#busy.get(subject);
  }

  /** The call is over and its hangup published. Returns at once. */
  remove({ node, uuid }: { readonly node: string; readonly uuid: string }): void {
    const subject = subjectOf(node, uuid);
    const neverWritten = this.#waiting.get(subject)?.tried === false && !this.#known.has(subject);
    if (neverWritten && !this.#busy.has(subject)) {
      this.#waiting.delete(subject);
      this.#settle();
      return;
    }
    this.#put(subject, { body: undefined, tried: true });
  }

  /** Drops what is known of a call that others have removed. */
  forget(node: string, uuid: string): void {
    this.#known.delete(subjectOf(node, uuid));
  }

  knows(node: string, uuid: string): boolean {
    return this.#known.has(subjectOf(node, uuid));
  }

  /** The calls of a node that are up as far as the stream tells, whoever has written them. */
  async uuids(node: string): Promise<string[]> {
    await this.#refresh(node);
    const prefix = `${BUS.live}.${subjectToken(node)}.`;
    return [...this.#known.keys()]
      .filter((subject) => subject.startsWith(prefix))
      .map((subject) => tokenText(subject.slice(prefix.length)));
  }

  /** What is known of a call; undefined when it has been removed. */
  async find(node: string, uuid: string): Promise<LiveCall | undefined> {
    const subject = subjectOf(node, uuid);
    const stored = await this.#last(subject);
    return stored === null ? undefined : readMessage(LiveCall, subject, stored.data);
  }

  /** Resolves when all that is held has been written, or `cancel` fires. Nothing is taken after it. */
  async drain(cancel: AbortSignal): Promise<void> {
    const { promise: cancelled, resolve } = Promise.withResolvers<void>();
    if (cancel.aborted) resolve();
    cancel.addEventListener('abort', () => resolve(), { once: true });
    if (this.buffered > 0) await Promise.race([this.#idle.promise, cancelled]);
    this.#closed = true;
    clearTimeout(this.#pause);
  }

  #put(subject: string, work: Work): void {
    if (this.#closed) return;
    if (!this.#waiting.has(subject) && this.buffered >= this.#limits.maxBuffered) {
      if (this.#dropped++ % LOG_EVERY_DROPPED === 0)
        this.#log.error('live_call.dropped', { dropped: this.#dropped });
      return;
    }
    this.#waiting.set(subject, work);
    this.#pump();
  }

  #pump(): void {
    if (this.#pause !== undefined || this.#closed) return;
    if (this.#waiting.size > 0 && !this.#bus.connected) {
      this.#wait(new Error('not connected to NATS'));
      return;
    }
    for (const [subject, work] of this.#waiting) {
      if (this.#busy.size >= AT_ONCE) break;
      if (this.#busy.has(subject)) continue;
      this.#waiting.delete(subject);
      const run = this.#run(subject, work).finally(() => {
        this.#busy.delete(subject);
        this.#settle();
        this.#pump();
      });
      this.#busy.set(subject, run);
    }
  }

  #settle(): void {
    if (this.buffered > 0) return;
    this.#idle.resolve();
    this.#idle = Promise.withResolvers();
  }

  async #run(subject: string, work: Work): Promise<void> {
    try {
      if (this.#manager === undefined) await this.#ensure();
      if (work.body === undefined) await this.#delete(subject);
      else this.#known.set(subject, (await this.#jetstream.publish(subject, work.body)).seq);
      this.#failures = 0;
      this.#trouble = undefined;
    } catch (error) {
      const newer = this.#waiting.get(subject);
      this.#waiting.set(subject, { body: newer ? newer.body : work.body, tried: true });
      this.#wait(error as Error);
    }
  }

  /** Nothing is sent for a while; then the stream is looked after, and what waits is tried again. */
  #wait(error: Error): void {
    if (this.#trouble === undefined)
      this.#log.warn('live_call.write_failed', { err: error, buffered: this.buffered });
    this.#trouble = error.message;
    this.#manager = undefined;
    if (this.#pause !== undefined || this.#closed) return;
    const ms = Math.min(LAST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures++);
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      this.#pump();
    }, ms);
  }

  #last(subject: string) {
    return this.#ensure().then((manager) =>
      manager.streams.getMessage(BUS.liveStream, { last_by_subj: subject }),
    );
  }

  async #delete(subject: string): Promise<void> {
    const known = this.#known.get(subject);
    this.#known.delete(subject);
    if (known !== undefined && (await this.#deleteSequence(known))) return;
    const stored = await this.#last(subject);
    if (stored !== null) await this.#deleteSequence(stored.seq);
  }

  async #deleteSequence(seq: number): Promise<boolean> {
    const manager = await this.#ensure();
    return manager.streams.deleteMessage(BUS.liveStream, seq, false).catch((error: unknown) => {
      if (isApiError(error, JetStreamApiCodes.NoMessageFound)) return false;
      if (isApiError(error, SEQUENCE_NOT_FOUND)) return false;
      throw error;
    });
  }

  #ensuring: Promise<JetStreamManager> | undefined;

  /** Creates the stream or brings it to its limits. */
  #ensure(): Promise<JetStreamManager> {
    if (this.#manager !== undefined) return Promise.resolve(this.#manager);
    this.#ensuring ??= this.#makeStream().finally(() => {
      this.#ensuring = undefined;
    });
    return this.#ensuring;
  }

  async #makeStream(): Promise<JetStreamManager> {
    const manager = await jetstreamManager(this.#bus.nats, { timeout: REQUEST_TIMEOUT_MS });
    const info = await ensureStream(manager, {
      name: BUS.liveStream,
      subjects: [`${BUS.live}.>`],
      max_msgs_per_subject: 1,
      max_bytes: this.#limits.maxBytes,
      max_age: nanos(this.#limits.maxAgeMs),
      num_replicas: this.#limits.replicas,
      discard: DiscardPolicy.New,
    });
    this.#isStream(info.created);
    this.#manager = manager;
    return manager;
  }

  /** What was known of another stream is worth nothing. */
  #isStream(created: string): void {
    if (this.#created !== created) {
      this.#known.clear();
      this.#read = 0;
    }
    this.#created = created;
  }

  /** Learns the calls written since the last time; those that have been removed since are not among them. */
  async #refresh(node: string): Promise<void> {
    const manager = await this.#ensure();
    const { created, state } = await manager.streams.info(BUS.liveStream);
    this.#isStream(created);
    if (this.#node !== node) this.#read = 0;
    this.#node = node;
    if (state.last_seq <= this.#read) return;
    const consumer = await this.#jetstream.consumers.get(BUS.liveStream, {
      filter_subjects: `${BUS.live}.${subjectToken(node)}.>`,
      headers_only: true,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: this.#read + 1,
    });
    try {
      let pending = (await consumer.info()).num_pending;
      while (pending > 0) {
        const messages = await consumer.fetch({
          max_messages: Math.min(pending, READ_AT_ONCE),
          expires: REQUEST_TIMEOUT_MS,
        });
        const before = pending;
        const late = setTimeout(() => messages.stop(), 2 * REQUEST_TIMEOUT_MS);
        for await (const message of messages) {
          this.#known.set(message.subject, message.seq);
          pending = message.info.pending;
        }
        clearTimeout(late);
        if (pending < before) continue;
        pending = (await consumer.info()).num_pending;
        if (pending === before) throw new Error('the live calls could not be read');
      }
      this.#read = state.last_seq;
    } finally {
      await consumer.delete().catch(() => {});
    }
  }
}
