import { notificationId } from '#libs/contract/endpoint.ts';
import type { ProgressEvent } from '#libs/contract/messages.ts';

/** The last time that a Date can hold, epoch ms. */
export const MAX_TIME_MS = 8.64e15;

/** A notification in a call's waiting list. */
export interface QueueEntry {
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
  /** `traceparent` and `tracestate`; empty without tracing. */
  readonly trace: Readonly<Record<string, string>>;
  readonly progress: ProgressEvent;
}

export function entryOf(
  progress: ProgressEvent,
  order: number,
  trace: Readonly<Record<string, string>>,
): QueueEntry {
  const { notification } = progress;
  const at = notification.action === 'hangup' ? Number.MAX_SAFE_INTEGER : Date.parse(notification.time);
  return { id: notificationId(notification), at, order, attempts: 0, trace, progress };
}

export const writeEntry = ({ id, at, order, attempts, trace, progress }: QueueEntry): string =>
  JSON.stringify({ id, at, order, attempts, trace, progress });

/** U+FFFD may stand for bytes that are not UTF-8. */
const START = /^\{"id":"[^"\uFFFD]*","at":/;

/** A written entry up to its field `at`, which identifies it; all of a text that `writeEntry` has not written. */
export const entryStart = (text: string): string => START.exec(text)?.[0] ?? text;

/** An entry in Redis that is not as a notifier writes it. */
export class InvalidEntryError extends Error {
  override readonly name = 'InvalidEntryError';
}

const isText = (value: unknown): value is string => typeof value === 'string';

/** Whether the fields that delivery needs are there. The rest is not checked: another version may have written it. */
function isEntry(value: unknown): value is QueueEntry {
  if (typeof value !== 'object' || value === null) return false;
  const { id, at, order, attempts, trace, progress } = value as Partial<Record<keyof QueueEntry, unknown>>;
  if (![at, order, attempts].every(Number.isFinite) || !isText(id)) return false;
  if (typeof trace !== 'object' || trace === null || typeof progress !== 'object' || progress === null)
    return false;
  const { url, notification } = progress as { url?: unknown; notification?: Record<string, unknown> };
  const named = ['uuid', 'node', 'leg', 'action', 'time'].every((field) => isText(notification?.[field]));
  return isText(url) && named;
}

/** @throws {InvalidEntryError} */
export function readEntry(text: string): QueueEntry {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new InvalidEntryError('the entry is not JSON', { cause });
  }
  if (isEntry(value)) return value;
  throw new InvalidEntryError('the entry lacks a field');
}

export const callOf = ({ progress }: QueueEntry): string => progress.notification.uuid;
