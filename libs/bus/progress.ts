import {
  AckPolicy,
  type Consumer,
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamClient,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import type { Context } from '@opentelemetry/api';
import { notificationId } from '#libs/contract/endpoint.ts';
import { BUS, type ProgressEvent } from '#libs/contract/messages.ts';
import type { Bus } from './connection.ts';
import { traceToHeaders } from './message.ts';
import { ensureStream } from './streams.ts';
import { subjectToken } from './subject.ts';

const PUBLISH_TIMEOUT_MS = 2_000;

/** After this JetStream hands out again what was not acknowledged. */
export const ACK_WAIT_MS = 60_000;

const CONSUMER = {
  durable_name: BUS.notifier,
  ack_policy: AckPolicy.Explicit,
  ack_wait: nanos(ACK_WAIT_MS),
  max_ack_pending: 10_000,
};

export interface StreamLimits {
  readonly replicas: number;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  /** How long JetStream remembers message ids: two agents on one node, or one that publishes again, store one. */
  readonly duplicateWindowMs: number;
}

/** Creates the stream and the notifier's consumer, or brings them to these limits. Safe to call by all, at any time. */
export async function ensureProgressStream(bus: Bus, limits: StreamLimits): Promise<void> {
  const manager = await jetstreamManager(bus.nats);
  await ensureStream(manager, {
    name: BUS.stream,
    subjects: [`${BUS.progress}.>`],
    retention: RetentionPolicy.Workqueue,
    max_bytes: limits.maxBytes,
    max_age: nanos(limits.maxAgeMs),
    duplicate_window: nanos(limits.duplicateWindowMs),
    num_replicas: limits.replicas,
    discard: DiscardPolicy.New,
  });
  await manager.consumers.add(BUS.stream, CONSUMER);
}

/** Where the notifier takes progress from: the durable pull consumer that all notifiers share. */
export const progressConsumer = (bus: Bus): Promise<Consumer> =>
  jetstream(bus.nats).consumers.get(BUS.stream, BUS.notifier);

/** What the notifiers have not taken from the stream yet, and what they have taken and not acknowledged. */
export async function progressLag(bus: Bus): Promise<{ stream_lag: number; stream_unacknowledged: number }> {
  const manager = await jetstreamManager(bus.nats, { checkAPI: false, timeout: PUBLISH_TIMEOUT_MS });
  const { num_pending, num_ack_pending } = await manager.consumers.info(BUS.stream, BUS.notifier);
  return { stream_lag: num_pending, stream_unacknowledged: num_ack_pending };
}

/**
 * The same consumer made anew, so that it begins with the oldest message not acknowledged and goes on in the stream's
 * order. What another notifier had taken without acknowledging would otherwise come back late, behind newer messages.
 */
export async function restartProgressConsumer(bus: Bus): Promise<Consumer> {
  const manager = await jetstreamManager(bus.nats);
  await manager.consumers.delete(BUS.stream, BUS.notifier).catch((error: unknown) => {
    if (!(error instanceof JetStreamApiError && error.code === JetStreamApiCodes.ConsumerNotFound))
      throw error;
  });
  await manager.consumers.add(BUS.stream, CONSUMER);
  return progressConsumer(bus);
}

export class ProgressPublisher {
  readonly #jetstream: JetStreamClient;

  constructor(bus: Bus) {
    this.#jetstream = jetstream(bus.nats, { timeout: PUBLISH_TIMEOUT_MS });
  }

  /** Resolves when JetStream has the message: true when it is the first to bring it, false for a repeat. */
  async publish(progress: ProgressEvent, spanContext: Context): Promise<boolean> {
    const { notification } = progress;
    const subject = `${BUS.progress}.${subjectToken(notification.node)}`;
    const stored = await this.#jetstream.publish(subject, JSON.stringify(progress), {
      msgID: notificationId(notification),
      headers: traceToHeaders(spanContext),
    });
    return !stored.duplicate;
  }
}
