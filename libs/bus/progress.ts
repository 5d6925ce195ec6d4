import {
  AckPolicy,
  type Consumer,
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamClient,
  RetentionPolicy,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import type { Context } from '@opentelemetry/api';
import { notificationId } from '#libs/contract/endpoint.ts';
import { BUS, type ProgressEvent } from '#libs/contract/messages.ts';
import { partitionOf } from '#libs/contract/partition.ts';
import type { Bus } from './connection.ts';
import { traceToHeaders } from './message.ts';
import { ensureStream } from './streams.ts';
import { subjectToken } from './subject.ts';

const PUBLISH_TIMEOUT_MS = 2_000;

/** After this time JetStream redelivers a message that is not acknowledged. */
export const ACK_WAIT_MS = 60_000;

const MAX_ACK_PENDING = 10_000;

/** The durable consumer of one partition. */
const consumerName = (partition: number): string => `${BUS.notifier}-${partition}`;

const consumerConfig = (partition: number) => ({
  durable_name: consumerName(partition),
  filter_subject: `${BUS.progress}.${partition}.*`,
  ack_policy: AckPolicy.Explicit,
  ack_wait: nanos(ACK_WAIT_MS),
  max_ack_pending: MAX_ACK_PENDING,
  // Each reader recreates the consumer, so its state need not survive a restart; in memory it is four times as fast.
  mem_storage: true,
});

export interface StreamLimits {
  readonly replicas: number;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  /** How long JetStream remembers message ids: of the same notification from both agents of a node it stores one. */
  readonly duplicateWindowMs: number;
}

/** Creates the stream or updates its limits. Every notifier may call it at any time. */
export async function ensureProgressStream(bus: Bus, limits: StreamLimits): Promise<void> {
  const manager = await bus.jetstreamManager();
  await ensureStream(manager, {
    name: BUS.stream,
    subjects: [`${BUS.progress}.*.*`],
    retention: RetentionPolicy.Workqueue,
    max_bytes: limits.maxBytes,
    max_age: nanos(limits.maxAgeMs),
    duplicate_window: nanos(limits.duplicateWindowMs),
    num_replicas: limits.replicas,
    discard: DiscardPolicy.New,
  });
}

const unchecked = { checkAPI: false } as const;

/** Messages in the stream: not read yet, or not acknowledged. */
export async function progressBacklog(bus: Bus): Promise<number> {
  const manager = await bus.jetstreamManager({ ...unchecked, timeout: PUBLISH_TIMEOUT_MS });
  return (await manager.streams.info(BUS.stream)).state.messages;
}

/**
 * Recreates the consumer of a partition, so that it starts at the oldest message that is not acknowledged and continues
 * in the order of the stream. Messages that an earlier reader took without acknowledging them would otherwise be
 * redelivered late, behind newer ones.
 */
export async function restartProgressConsumer(bus: Bus, partition: number): Promise<Consumer> {
  const manager = await bus.jetstreamManager(unchecked);
  await manager.consumers.delete(BUS.stream, consumerName(partition)).catch((error: unknown) => {
    if (!(error instanceof JetStreamApiError && error.code === JetStreamApiCodes.ConsumerNotFound))
      throw error;
  });
  const info = await manager.consumers.add(BUS.stream, consumerConfig(partition));
  return bus.jetstream().consumers.getConsumerFromInfo(info);
}

/** Sequence number of the oldest message of a partition; undefined when it has none. */
export async function oldestOfPartition(bus: Bus, partition: number): Promise<number | undefined> {
  const manager = await bus.jetstreamManager({ ...unchecked, timeout: PUBLISH_TIMEOUT_MS });
  // The client's type lacks next_by_subj, which nats-server 2.9 and newer support.
  const query = { seq: 1, next_by_subj: `${BUS.progress}.${partition}.*` };
  return (await manager.streams.getMessage(BUS.stream, query))?.seq;
}

/** The subject for progress events of a call. */
export const progressSubject = (uuid: string, node: string): string =>
  `${BUS.progress}.${partitionOf(uuid)}.${subjectToken(node)}`;

/**
 * JetStream error 10158 of a replicated stream: the node's other agent has published the same notification, and it is not
 * stored on all replicas yet. A retry is acknowledged as a duplicate.
 */
const DUPLICATE_IN_PROCESS = 10158;

class DuplicateInProcess extends Error {
  override readonly name = 'DuplicateInProcess';
}

export const isDuplicateInProcess = (error: unknown): boolean =>
  error instanceof DuplicateInProcess ||
  (error instanceof JetStreamApiError &&
    (error.code === DUPLICATE_IN_PROCESS || /duplicate message id is in process/.test(error.message)));

export class ProgressPublisher {
  readonly #jetstream: JetStreamClient;

  constructor(bus: Bus) {
    this.#jetstream = bus.jetstream({ timeout: PUBLISH_TIMEOUT_MS });
  }

  /** Resolves when JetStream has stored the event: true when it is new, false when it was stored before. */
  async publish(progress: ProgressEvent, spanContext: Context): Promise<boolean> {
    const { uuid, node } = progress.notification;
    const stored = await this.#jetstream.publish(progressSubject(uuid, node), JSON.stringify(progress), {
      msgID: notificationId(progress.notification),
      headers: traceToHeaders(spanContext),
    });
    // nats-server 2.9 acknowledges a duplicate in process, with sequence 0: the message may still be lost.
    if (stored.duplicate && stored.seq === 0)
      throw new DuplicateInProcess('duplicate message id is in process');
    return !stored.duplicate;
  }
}
