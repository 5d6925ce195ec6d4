import {
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream';
import { PermissionViolationError } from '@nats-io/transport-node';

/** Whether NATS refused an operation because the user lacks the permission. */
export const isNotPermitted = (error: unknown): boolean =>
  error instanceof PermissionViolationError ||
  (error instanceof Error && error.cause instanceof PermissionViolationError);

type Wanted = Partial<StreamConfig> & { readonly name: string; readonly subjects: string[] };

const isAsWanted = ({ config }: StreamInfo, wanted: Wanted): boolean =>
  Object.entries(wanted).every(
    ([key, value]) => JSON.stringify(config[key as keyof StreamConfig]) === JSON.stringify(value),
  );

/** Creates a stream or updates its configuration. An existing stream that the user may not update is used as it is. */
export async function ensureStream(manager: JetStreamManager, wanted: Wanted): Promise<StreamInfo> {
  const found = await manager.streams.info(wanted.name).catch((error: unknown) => {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound)
      return undefined;
    throw error;
  });
  if (!found) return manager.streams.add(wanted);
  if (isAsWanted(found, wanted)) return found;
  return manager.streams.update(wanted.name, wanted).catch((error: unknown) => {
    if (isNotPermitted(error)) return found;
    throw error;
  });
}
