import { notificationId } from '#libs/contract/endpoint.ts';
import type { Progress } from '#libs/contract/messages.ts';

/** A notification as it waits in Redis. */
export interface Entry {
  /** The notification's id, which is its `webhook-id`. */
  readonly id: string;
  /** Its place in the stream: of two notifications of a call the lower comes first. */
  readonly order: number;
  /** `traceparent` and `tracestate`. */
  readonly trace: Readonly<Record<string, string>>;
  readonly progress: Progress;
}

export const entryOf = (
  progress: Progress,
  order: number,
  trace: Readonly<Record<string, string>>,
): Entry => ({ id: notificationId(progress.notification), order, trace, progress });

export const writeEntry = ({ id, order, trace, progress }: Entry): string =>
  JSON.stringify({ id, order, trace, progress });

/** Only notifiers write entries, from messages parsed at the border, so that here they are not checked again. */
export const readEntry = (text: string): Entry => JSON.parse(text) as Entry;

/** Scheme, host and port of the endpoint; empty when its URL is none. */
export const originOf = (url: string): string => URL.parse(url)?.origin ?? '';
