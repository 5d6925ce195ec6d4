import type { RetryBuffer } from '#libs/buffer/retry-buffer.ts';
import type { Bus } from '#libs/bus/connection.ts';
import type { LiveCalls } from '#libs/bus/live-calls.ts';
import { observeStream } from '#libs/bus/metrics.ts';
import type { Notification } from '#libs/contract/endpoint.ts';
import { BUS } from '#libs/contract/messages.ts';
import type { Result } from '#libs/contract/results.ts';
import { CAUSE_CLASSES, type CauseClass } from '#libs/telemetry/attributes.ts';
import { count, endpointOfMetrics, measureMs, observe } from '#libs/telemetry/metrics.ts';
import type { LegEvent } from './call/leg-event.ts';

const classByCause = new Map<string, CauseClass>(
  Object.entries(CAUSE_CLASSES).flatMap(([name, causes]) =>
    causes.map((cause: string) => [cause, name as CauseClass] as const),
  ),
);

export const causeClass = (cause: string): CauseClass => classByCause.get(cause) ?? 'other';

/** Call once per request of a call, decided or not. `url` is undefined when the endpoint is not known. */
export function countDecision(result: Result, node: string, url: string | undefined, ms: number): void {
  const where = { 'dialhook.node': node, 'dialhook.endpoint': endpointOfMetrics(url) };
  count('dialhook.decisions', { ...where, 'dialhook.result': result });
  measureMs('dialhook.decision.duration', ms, where);
}

/** Measures how late an event of FreeSWITCH arrived. */
export const measureEventLag = ({ node, at }: Pick<LegEvent, 'node' | 'at'>): void =>
  measureMs('dialhook.event_socket.lag', Date.now() - at, { 'dialhook.node': node });

/** Call when JetStream has stored a notification that it did not have before. */
export function countPublished(notification: Notification): void {
  const { action, node } = notification;
  const where = { 'dialhook.node': node };
  count('dialhook.notifications.published', { ...where, 'dialhook.action': action });
  if (notification.action !== 'hangup') return;
  const { ring_ms = 0, billable_ms = 0 } = notification.recovered ? {} : notification;
  const answered = billable_ms > 0;
  count('dialhook.calls.ended', {
    ...where,
    'dialhook.cause_class': causeClass(notification.cause),
    'dialhook.answered': answered ? 'true' : 'false',
  });
  if (answered) measureMs('dialhook.call.duration', billable_ms, where);
  if (ring_ms > 0) measureMs('dialhook.call.post_dial_delay', ring_ms, where);
}

/** Counts a call that was still live after its synthesized hangup. */
export const countClosedEarly = (node: string): void =>
  count('dialhook.live_calls.closed_early', { 'dialhook.node': node });

/** Counts a sound that a decision names and the operator has not listed. */
export const countUnknownSound = (node: string): void =>
  count('dialhook.sounds.unknown', { 'dialhook.node': node });

interface Parts {
  readonly node: string | undefined;
  readonly bus: Bus;
  readonly live: LiveCalls;
  readonly buffer: Pick<RetryBuffer<never>, 'size' | 'dropped'>;
  readonly freeSwitch: { readonly up: boolean };
  readonly handler: { readonly deciding: number };
}

/** Registers the agent's gauges. Without NODE_NAME the node is `unnamed`. */
export function observeAgent({ node = 'unnamed', bus, live, buffer, freeSwitch, handler }: Parts): void {
  observe('dialhook.calls.in_flight', () => [[handler.deciding, {}]]);
  observe('dialhook.calls.active', () => [[live.size, { 'dialhook.node': node }]]);
  observe('dialhook.event_socket.up', () => [[freeSwitch.up ? 1 : 0, { 'dialhook.node': node }]]);
  observe('dialhook.notifications.buffered', () => [[buffer.size, {}]]);
  observe('dialhook.notifications.dropped', () => [[buffer.dropped, {}]]);
  observe('dialhook.live_calls.buffered', () => [[live.buffered, {}]]);
  observe('dialhook.live_calls.dropped', () => [[live.dropped, {}]]);
  observeStream(bus, BUS.liveStream);
  observeStream(bus, BUS.limitStream);
}
