import { notificationId } from '#libs/contract/endpoint.ts';
import type { ProgressEvent } from '#libs/contract/messages.ts';

/** A notification as it waits in Redis. */
export interface Entry {
  /** The notification's id, which is its `webhook-id`. */
  readonly id: string;
  /** When it happened, epoch milliseconds by FreeSWITCH's clock; a hangup is the last of its call whatever that says. */
  readonly at: number;
  /** Its place in the stream: of two that happened in the same millisecond the lower comes first. */
  readonly order: number;
  /** `traceparent` and `tracestate`. */
  readonly trace: Readonly<Record<string, string>>;
  readonly progress: ProgressEvent;
}

export function entryOf(
  progress: ProgressEvent,
  order: number,
  trace: Readonly<Record<string, string>>,
): Entry {
  const { notification } = progress;
  const at = notification.action === 'hangup' ? Number.MAX_SAFE_INTEGER : Date.parse(notification.time);
  return { id: notificationId(notification), at, order, trace, progress };
}

export const writeEntry = ({ id, at, order, trace, progress }: Entry): string =>
  JSON.stringify({ id, at, order, trace, progress });

/** Only notifiers write entries, from messages parsed at the border, so that here they are not checked again. */
export const readEntry = (text: string): Entry => JSON.parse(text) as Entry;
