import {
  type Consumer,
  DeliverPolicy,
  type JetStreamClient,
  type JetStreamManager,
} from '@nats-io/jetstream';
import { BUS } from '#libs/contract/messages.ts';
import type { Bus } from './connection.ts';
import { deleteMessage, ensureStream, type LatestMessageLimits, latestMessages } from './streams.ts';
import { subjectToken, tokenText } from './subject.ts';

const REQUEST_TIMEOUT_MS = 2_000;
const FETCH_SIZE = 5_000;
/** The node's other agent may replace a message between its reading and its deletion. Then it is read again. */
const DELETE_ATTEMPTS = 3;

const nodePrefix = (node: string): string => `${BUS.live}.${subjectToken(node)}.`;

export const liveCallSubject = (node: string, uuid: string): string =>
  `${nodePrefix(node)}${subjectToken(uuid)}`;

/** The node and the uuid of the call that a subject is for. */
export function callOfSubject(subject: string): { readonly node: string; readonly uuid: string } {
  const [node = '', uuid = ''] = subject
    .slice(BUS.live.length + 1)
    .split('.')
    .map(tokenText);
  return { node, uuid };
}

/**
 * The JetStream stream of live calls, with one message for each call. It is not a KV bucket, because a deleted key of a
 * bucket leaves a marker, which nats-server 2.9 keeps until the bucket's TTL. Messages are deleted by sequence number,
 * because a purge by subject reads the whole stream.
 */
export class LiveCallStream {
  readonly #bus: Bus;
  readonly #limits: LatestMessageLimits;
  readonly #jetstream: JetStreamClient;
  /** Sequence number by subject, of the calls that this process wrote or read. */
  readonly #known = new Map<string, number>();
  #manager: JetStreamManager | undefined;
  #ensuring: Promise<JetStreamManager> | undefined;
  /** Creation time of the stream. A new stream has new sequence numbers. */
  #created = '';
  /** The calls of `#node` have been read up to this sequence number. */
  #node = '';
  #readUpTo = 0;

  constructor(bus: Bus, limits: LatestMessageLimits) {
    this.#bus = bus;
    this.#limits = limits;
    this.#jetstream = bus.jetstream({ timeout: REQUEST_TIMEOUT_MS });
  }

  /** Number of known calls. */
  get size(): number {
    return this.#known.size;
  }

  knows(subject: string): boolean {
    return this.#known.has(subject);
  }

  forget(subject: string): void {
    this.#known.delete(subject);
  }

  /** Creates the stream or updates its limits, once; again after `recheck`. */
  ensure(): Promise<JetStreamManager> {
    if (this.#manager !== undefined) return Promise.resolve(this.#manager);
    this.#ensuring ??= this.#makeStream().finally(() => {
      this.#ensuring = undefined;
    });
    return this.#ensuring;
  }

  /** Makes the next operation check that the stream still exists. */
  recheck(): void {
    this.#manager = undefined;
  }

  async write(subject: string, body: string): Promise<void> {
    await this.ensure();
    this.#known.set(subject, (await this.#jetstream.publish(subject, body)).seq);
  }

  async delete(subject: string): Promise<void> {
    await this.ensure();
    const known = this.#known.get(subject);
    this.#known.delete(subject);
    if (known !== undefined && (await this.#deleteSequence(known))) return;
    for (let attempt = 1; attempt <= DELETE_ATTEMPTS; attempt++) {
      const stored = await this.read(subject);
      if (stored === null || (await this.#deleteSequence(stored.seq))) return;
    }
  }

  /** The stored message of a call; null when it has been deleted. */
  async read(subject: string) {
    const manager = await this.ensure();
    return manager.streams.getMessage(BUS.liveStream, { last_by_subj: subject });
  }

  /** The uuids of a node's calls, written by any agent. A call deleted by another agent may still be listed. */
  async uuids(node: string): Promise<string[]> {
    await this.#readNew(node);
    const prefix = nodePrefix(node);
    return [...this.#known.keys()]
      .filter((subject) => subject.startsWith(prefix))
      .map((subject) => tokenText(subject.slice(prefix.length)));
  }

  async #makeStream(): Promise<JetStreamManager> {
    const manager = await this.#bus.jetstreamManager({ timeout: REQUEST_TIMEOUT_MS });
    const { created } = await ensureStream(
      manager,
      latestMessages(BUS.liveStream, `${BUS.live}.>`, this.#limits),
    );
    this.#resetIfNew(created);
    this.#manager = manager;
    return manager;
  }

  #resetIfNew(created: string): void {
    if (this.#created === created) return;
    this.#created = created;
    this.#known.clear();
    this.#readUpTo = 0;
  }

  async #deleteSequence(seq: number): Promise<boolean> {
    return deleteMessage(await this.ensure(), BUS.liveStream, seq);
  }

  /** Reads the calls that were written after the last read and still exist. */
  async #readNew(node: string): Promise<void> {
    const manager = await this.ensure();
    const { created, state } = await manager.streams.info(BUS.liveStream);
    this.#resetIfNew(created);
    if (this.#node !== node) this.#readUpTo = 0;
    this.#node = node;
    if (state.last_seq <= this.#readUpTo) return;
    const consumer = await this.#jetstream.consumers.get(BUS.liveStream, {
      filter_subjects: `${nodePrefix(node)}>`,
      headers_only: true,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: this.#readUpTo + 1,
    });
    try {
      await this.#readAll(consumer);
      this.#readUpTo = state.last_seq;
    } finally {
      await consumer.delete().catch(() => {});
    }
  }

  async #readAll(consumer: Consumer): Promise<void> {
    let pending = (await consumer.info()).num_pending;
    while (pending > 0) {
      const before = pending;
      const messages = await consumer.fetch({
        max_messages: Math.min(pending, FETCH_SIZE),
        expires: REQUEST_TIMEOUT_MS,
      });
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
  }
}
