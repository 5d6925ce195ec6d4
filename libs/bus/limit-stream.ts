import {
  type ConsumerMessages,
  DeliverPolicy,
  type JetStreamClient,
  type JetStreamManager,
  type JsMsg,
} from '@nats-io/jetstream';
import type { LimitKey } from '#libs/contract/call-limits.ts';
import { BUS } from '#libs/contract/messages.ts';
import { inBackground } from '#libs/lifecycle/background.ts';
import type { Log } from '#libs/telemetry/log.ts';
import type { Bus } from './connection.ts';
import {
  deleteMessage,
  ensureStream,
  isStreamMissing,
  type LatestMessageLimits,
  latestMessages,
} from './streams.ts';
import { subjectToken, tokenText } from './subject.ts';

const REQUEST_TIMEOUT_MS = 2_000;
/** Status events after which the reader stops: it may have missed messages, so the stream is read from its beginning. */
const READER_LOST = new Set<string>([
  'heartbeats_missed',
  'consumer_deleted',
  'consumer_not_found',
  'stream_not_found',
  'ordered_consumer_recreated',
]);

/** A place of a limit: which one, on which node, for which call. `n` numbers the places of a call. */
export interface PlaceKey {
  readonly limit: LimitKey;
  readonly node: string;
  readonly owner: string;
  readonly n: string;
}

const PLACE = `${BUS.limits}.place.`;
const NODE = `${BUS.limits}.node.`;

export const placeSubject = ({ limit, node, owner, n }: PlaceKey): string =>
  PLACE + [limit, node, owner, n].map(subjectToken).join('.');

/** The place that a subject is for; undefined for other subjects. */
export function placeOfSubject(subject: string): PlaceKey | undefined {
  if (!subject.startsWith(PLACE)) return undefined;
  const [limit = '', node = '', owner = '', n = ''] = subject.slice(PLACE.length).split('.').map(tokenText);
  return { limit: limit as LimitKey, node, owner, n };
}

export const nodeSubject = (node: string): string => NODE + subjectToken(node);

/** The node whose heartbeats a subject carries; undefined for other subjects. */
export const nodeOfSubject = (subject: string): string | undefined =>
  subject.startsWith(NODE) ? tokenText(subject.slice(NODE.length)) : undefined;

/** A message of the stream. */
export interface LimitMessage {
  readonly subject: string;
  readonly seq: number;
  /** When JetStream stored it, epoch ms. */
  readonly time: number;
  readonly data: Uint8Array;
}

/** Callbacks of a reader. */
export interface LimitReader {
  readonly onMessage: (message: LimitMessage) => void;
  /** Called when the reader has reached the end of the stream. */
  readonly onCaughtUp: () => void;
}

/** The JetStream stream with the places of all limits: the latest message of each place. */
export class LimitStream {
  readonly #bus: Bus;
  readonly #limits: LatestMessageLimits;
  readonly #jetstream: JetStreamClient;
  readonly #log: Log;
  #manager: Promise<JetStreamManager> | undefined;

  constructor(bus: Bus, limits: LatestMessageLimits, log: Log) {
    this.#bus = bus;
    this.#limits = limits;
    this.#log = log;
    this.#jetstream = bus.jetstream({ timeout: REQUEST_TIMEOUT_MS });
  }

  /** Creates the stream or updates its limits, once; again after `recheck`. */
  ensure(): Promise<JetStreamManager> {
    this.#manager ??= this.#makeStream().catch((error: unknown) => {
      this.#manager = undefined;
      throw error;
    });
    return this.#manager;
  }

  /** Makes the next operation check that the stream still exists. */
  recheck(): void {
    this.#manager = undefined;
  }

  /** Whether an agent has created the stream. */
  async exists(): Promise<boolean> {
    const manager = await this.#bus.jetstreamManager({ timeout: REQUEST_TIMEOUT_MS });
    return manager.streams.info(BUS.limitStream).then(
      () => true,
      (error: unknown) => {
        if (isStreamMissing(error)) return false;
        throw error;
      },
    );
  }

  /** Resolves with the sequence number of the stored message. */
  async publish(subject: string, body: string): Promise<number> {
    await this.ensure();
    return (await this.#jetstream.publish(subject, body)).seq;
  }

  async delete(seq: number): Promise<void> {
    await deleteMessage(await this.ensure(), BUS.limitStream, seq);
  }

  /** Reads the stream from its beginning and follows it, until its reader is lost or `signal` fires. */
  async follow({ onMessage, onCaughtUp }: LimitReader, signal: AbortSignal): Promise<void> {
    const manager = await this.ensure();
    // The number of pending messages is not exact in a stream with max_msgs_per_subject (nats-server 2.9).
    const { last_seq } = (await manager.streams.info(BUS.limitStream)).state;
    const consumer = await this.#jetstream.consumers.get(BUS.limitStream, {
      deliver_policy: DeliverPolicy.All,
    });
    let isBehind = true;
    const readUpTo = (seq: number) => {
      if (!isBehind || seq < last_seq) return;
      isBehind = false;
      onCaughtUp();
    };
    readUpTo(0);
    const messages = await consumer.consume({ idle_heartbeat: 5_000, expires: 30_000 });
    const stop = () => messages.stop();
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    inBackground(
      this.#log,
      'limit stream status',
      watch(messages, () => readUpTo(last_seq)),
    );
    try {
      for await (const message of messages) {
        onMessage(read(message));
        readUpTo(message.seq);
      }
    } finally {
      signal.removeEventListener('abort', stop);
      await consumer.delete().catch(() => {});
    }
  }

  async #makeStream(): Promise<JetStreamManager> {
    const manager = await this.#bus.jetstreamManager({ timeout: REQUEST_TIMEOUT_MS });
    await ensureStream(manager, latestMessages(BUS.limitStream, `${BUS.limits}.>`, this.#limits));
    return manager;
  }
}

const read = ({ subject, seq, time, data }: JsMsg): LimitMessage => ({
  subject,
  seq,
  time: time.getTime(),
  data,
});

/** Stops a reader that is lost. `onIdle` is called when there is nothing to read. */
async function watch(messages: ConsumerMessages, onIdle: () => void): Promise<void> {
  for await (const { type } of messages.status()) {
    if (READER_LOST.has(type)) messages.stop();
    if (type === 'heartbeat') onIdle();
  }
}
