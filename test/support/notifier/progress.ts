import { randomUUID } from 'node:crypto';
import { notificationId } from '#libs/contract/endpoint.ts';
import type { ProgressEvent } from '#libs/contract/messages.ts';
import { partitionOf } from '#libs/contract/partition.ts';
import type { DeadLetter } from '#libs/queue/dead-letters.ts';
import { entryOf } from '#libs/queue/entry.ts';

const common = (uuid: string, leg: string) => ({
  uuid,
  leg,
  node: 'fs-1',
  time: '2026-01-02T03:04:05.678Z',
  caller_id_number: '1000',
  caller_id_name: '张三 50% off',
  destination_number: '2000',
});

/** That a called leg rings. */
export const ringing = (url: string, uuid: string, leg: string): ProgressEvent => ({
  v: 1,
  url,
  notification: { action: 'ring', ...common(uuid, leg), called_number: '2000' },
});

/** A uuid of another call in the same partition: its notifications are read after those that were published before. */
export function sibling(uuid: string): string {
  for (;;) {
    const other = randomUUID();
    if (partitionOf(other) === partitionOf(uuid)) return other;
  }
}

/** A call of so many notifications, each about a leg of its own, in their order. */
export function callOf(url: string, count: number, uuid: string = randomUUID()): ProgressEvent[] {
  return Array.from({ length: count }, (_, i) => ringing(url, uuid, `leg-${i}`));
}

export const idOf = (progress: ProgressEvent): string => notificationId(progress.notification);
export const idsOf = (all: readonly ProgressEvent[]): string[] => all.map(idOf);

/** The ids of one call, in the order given, each once. */
export const ofCall = (ids: readonly string[], call: readonly ProgressEvent[]): string[] => {
  const wanted = new Set(idsOf(call));
  return [...new Set(ids.filter((id) => wanted.has(id)))];
};

/** One from each call in turn, as they happen. */
export const interleaved = (all: readonly (readonly ProgressEvent[])[]): ProgressEvent[] =>
  (all[0] ?? []).flatMap((_, i) => all.flatMap((call) => call.slice(i, i + 1)));

/** A dead letter of a call of its own; `n` is its time. */
export function letterOf(url: string, n: number): DeadLetter {
  const [progress] = callOf(url, 1) as [ProgressEvent];
  return {
    ...entryOf(progress, n, {}),
    call: progress.notification.uuid,
    origin: new URL(url).origin,
    time: n,
    reason: 'exhausted',
    error: 'the endpoint answered 500',
  };
}
