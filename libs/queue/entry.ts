import { notificationId } from '#libs/contract/endpoint.ts';
import type { ProgressEvent } from '#libs/contract/messages.ts';

/** A notification in a call's waiting list. */
export interface Entry {
  /** The notification's id, which is its `webhook-id`. */
  readonly id: string;
  /**
   * Time of the event, epoch ms by FreeSWITCH's clock. A hangup has the largest number, so that it is the last of its
   * call.
   */
  readonly at: number;
  /** Sequence number in the stream; orders entries with the same time. */
  readonly order: number;
  /** Attempts made so far. */
  readonly attempts: number;
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
  return { id: notificationId(notification), at, order, attempts: 0, trace, progress };
}

export const writeEntry = ({ id, at, order, attempts, trace, progress }: Entry): string =>
  JSON.stringify({ id, at, order, attempts, trace, progress });

/** Not validated: only notifiers write entries, from validated messages. */
export const readEntry = (text: string): Entry => JSON.parse(text) as Entry;

export const callOf = ({ progress }: Entry): string => progress.notification.uuid;
