import type { Bus } from '#libs/bus/connection.ts';
import type { LiveCalls } from '#libs/bus/live-calls.ts';
import { observeStream } from '#libs/bus/metrics.ts';
import type { Notification } from '#libs/contract/endpoint.ts';
import { BUS } from '#libs/contract/messages.ts';
import type { Result } from '#libs/contract/results.ts';
import type { InboundConnection } from '#libs/esl/inbound.ts';
import { CAUSE_CLASSES, type CauseClass } from '#libs/telemetry/catalogue.ts';
import { count, endpointOfMetrics, measureMs, observe } from '#libs/telemetry/metrics.ts';
import type { CallHandler } from './call-handler.ts';
import type { Outbox } from './outbox.ts';

const classByCause = new Map<string, CauseClass>(
  Object.entries(CAUSE_CLASSES).flatMap(([name, causes]) =>
    causes.map((cause: string) => [cause, name as CauseClass] as const),
  ),
);

export const causeClass = (cause: string): CauseClass => classByCause.get(cause) ?? 'other';

/** A call has been decided, or has not. */
export function decided(result: Result, node: string, url: string | undefined, ms: number): void {
  const where = { 'dialhook.node': node, 'dialhook.endpoint': endpointOfMetrics(url) };
  count('dialhook.decisions', { ...where, 'dialhook.result': result });
  measureMs('dialhook.decision.duration', ms, where);
}

/** FreeSWITCH has told of something. */
export const eventRead = ({ node, time }: Notification): void =>
  measureMs('dialhook.event_socket.lag', Date.now() - Date.parse(time), { 'dialhook.node': node });

/** JetStream has a notification, and had not had it before. */
export function published(notification: Notification): void {
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

interface Parts {
  readonly node: string | undefined;
  readonly bus: Bus;
  readonly live: LiveCalls;
  readonly outbox: Pick<Outbox<never>, 'held' | 'dropped'>;
  readonly events: InboundConnection;
  readonly handler: CallHandler;
}

/** Observes what an agent has in hand. Without NODE_NAME its node is `unnamed`. */
export function observeAgent({ node = 'unnamed', bus, live, outbox, events, handler }: Parts): void {
  observe('dialhook.calls.in_flight', () => [[handler.deciding, {}]]);
  observe('dialhook.calls.active', () => [[live.size, { 'dialhook.node': node }]]);
  observe('dialhook.event_socket.up', () => [[events.up ? 1 : 0, { 'dialhook.node': node }]]);
  observe('dialhook.notifications.buffered', () => [[outbox.held, {}]]);
  observe('dialhook.outbox.dropped', () => [[outbox.dropped, {}]]);
  observe('dialhook.live_calls.buffered', () => [[live.buffered, {}]]);
  observe('dialhook.live_calls.dropped', () => [[live.dropped, {}]]);
  observeStream(bus, BUS.liveStream);
}
