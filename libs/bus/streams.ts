import {
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream';
import { nanos, PermissionViolationError } from '@nats-io/transport-node';

/** Whether NATS refused an operation because the user lacks the permission. */
export const isNotPermitted = (error: unknown): boolean =>
  error instanceof PermissionViolationError ||
  (error instanceof Error && error.cause instanceof PermissionViolationError);

/** JetStream error of a message that was already deleted, for example by the node's other agent. */
const SEQUENCE_NOT_FOUND = 10043;
/** Means "no message found" in a replicated stream, and other failures with other words. */
const DELETE_FAILED = 10057;

const isApiError = (error: unknown, code: number): boolean =>
  error instanceof JetStreamApiError && error.code === code;

export const isStreamMissing = (error: unknown): boolean =>
  isApiError(error, JetStreamApiCodes.StreamNotFound);

const isMessageMissing = (error: unknown): boolean =>
  isApiError(error, JetStreamApiCodes.NoMessageFound) ||
  isApiError(error, SEQUENCE_NOT_FOUND) ||
  (isApiError(error, DELETE_FAILED) && /no message found/.test((error as Error).message));

/** Limits of a stream that keeps the latest message of each subject. */
export interface LatestMessageLimits {
  readonly replicas: number;
  /** When the stream is full, new subjects are refused; stored messages stay. */
  readonly maxBytes: number;
  /** Older messages are dropped. */
  readonly maxAgeMs: number;
}

/** The configuration of a stream that keeps the latest message of each subject. */
export const latestMessages = (
  name: string,
  subject: string,
  { replicas, maxBytes, maxAgeMs }: LatestMessageLimits,
): Wanted => ({
  name,
  subjects: [subject],
  max_msgs_per_subject: 1,
  max_bytes: maxBytes,
  max_age: nanos(maxAgeMs),
  num_replicas: replicas,
  discard: DiscardPolicy.New,
});

/** Deletes a message without overwriting it. False when it was already deleted. */
export async function deleteMessage(
  manager: JetStreamManager,
  stream: string,
  seq: number,
): Promise<boolean> {
  return manager.streams.deleteMessage(stream, seq, false).catch((error: unknown) => {
    if (isMessageMissing(error)) return false;
    throw error;
  });
}

type Wanted = Partial<StreamConfig> & { readonly name: string; readonly subjects: string[] };

const isAsWanted = ({ config }: StreamInfo, wanted: Wanted): boolean =>
  Object.entries(wanted).every(
    ([key, value]) => JSON.stringify(config[key as keyof StreamConfig]) === JSON.stringify(value),
  );

/** Creates a stream or updates its configuration. An existing stream that the user may not update is used as it is. */
export async function ensureStream(manager: JetStreamManager, wanted: Wanted): Promise<StreamInfo> {
  const found = await manager.streams.info(wanted.name).catch((error: unknown) => {
    if (isStreamMissing(error)) return undefined;
    throw error;
  });
  if (!found) return manager.streams.add(wanted);
  if (isAsWanted(found, wanted)) return found;
  return manager.streams.update(wanted.name, wanted).catch((error: unknown) => {
    if (isNotPermitted(error)) return found;
    throw error;
  });
}
