import { notificationId } from '#libs/contract/endpoint.ts';
import type { Progress } from '#libs/contract/messages.ts';

/** A notification as it waits in Redis. */
export interface Entry {
  /** The notification's id, which is its `webhook-id`. */
  readonly id: string;
  /** `traceparent` and `tracestate`. */
  readonly trace: Readonly<Record<string, string>>;
  readonly progress: Progress;
}

export const entryOf = (progress: Progress, trace: Readonly<Record<string, string>>): Entry => ({
  id: notificationId(progress.notification),
  trace,
  progress,
});

export const writeEntry = (entry: Entry): string => JSON.stringify(entry);

/** Only notifiers write entries, from messages parsed at the border, so that here they are not checked again. */
export const readEntry = (text: string): Entry => JSON.parse(text) as Entry;
