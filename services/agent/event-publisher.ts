import { SpanKind } from '@opentelemetry/api';
import { RetryBuffer } from '#libs/buffer/retry-buffer.ts';
import type { Bus } from '#libs/bus/connection.ts';
import { isDuplicateInProcess, ProgressPublisher } from '#libs/bus/progress.ts';
import { NO_TIMELINE, type TimelineRecorder } from '#libs/bus/timeline.ts';
import type { Notification } from '#libs/contract/endpoint.ts';
import type { FreeSwitchEvent } from '#libs/esl/inbound.ts';
import { LruMap } from '#libs/lru/lru-map.ts';
import { callContext } from '#libs/telemetry/call-ids.ts';
import { aboutCall, type Log } from '#libs/telemetry/log.ts';
import { inSpan, isTracing } from '#libs/telemetry/tracing.ts';
import { CallTracker } from './call/call-tracker.ts';
import { type LegEvent, legEvent } from './call/leg-event.ts';
import type { CallEvent } from './call/notification.ts';
import { callSpan, legSpan } from './call-spans.ts';
import type { AgentConfig } from './config.ts';
import { countClosedEarly, countPublished, measureEventLag } from './metrics.ts';

/** Maximum number of synthesized hangups in memory. */
const MAX_CLOSED = 10_000;

const about = ({ uuid, node }: Notification) => aboutCall(uuid, node);

/** The log fields of a notification. */
function summary(notification: Notification) {
  const { action, leg } = notification;
  if (notification.action === 'transfer')
    return { action, leg, kind: notification.kind, by: notification.by };
  if (notification.action === 'leg_end')
    return { action, leg, number: notification.called_number, cause: notification.cause };
  if (notification.action !== 'hangup') return { action, leg, number: notification.called_number };
  if (notification.recovered) return { action, leg, cause: notification.cause, recovered: true };
  const { cause, hangup_by, duration_ms, billable_ms } = notification;
  return { action, leg, cause, hangup_by, duration_ms, billable_ms };
}

export interface EventPublisherOptions {
  readonly bus: Bus;
  readonly config: AgentConfig;
  readonly log: Log;
  readonly timeline?: TimelineRecorder;
  /** Whether FreeSWITCH's events arrive. Default: true. */
  readonly isUp?: () => boolean;
  /** Called when JetStream has stored the hangup of a call, or its endpoint does not want it. */
  readonly onHangupPublished?: (call: { uuid: string; node: string }) => void;
}

/**
 * Turns FreeSWITCH's events into progress events for the notifier (CallTracker) and buffers each until JetStream has
 * stored it.
 */
export class EventPublisher {
  readonly buffer: RetryBuffer<CallEvent>;
  readonly tracker: CallTracker;
  /** Calls for which this agent recently synthesized a hangup. */
  readonly #closed = new LruMap<string, true>(MAX_CLOSED);
  readonly #options: EventPublisherOptions;
  readonly #publisher: ProgressPublisher;
  readonly #settings: { nodeName: string | undefined; defaultUrl: string | undefined };
  readonly #masked: boolean;
  readonly #log: Log;
  readonly #timeline: TimelineRecorder;

  constructor(options: EventPublisherOptions) {
    const { bus, config, log, timeline = NO_TIMELINE, isUp = () => true } = options;
    this.#options = options;
    this.#timeline = timeline;
    this.#publisher = new ProgressPublisher(bus);
    this.#settings = { nodeName: config.NODE_NAME, defaultUrl: config.DEFAULT_ENDPOINT_URL };
    this.#masked = config.LOG_NUMBERS === 'masked';
    this.#log = log;
    this.tracker = new CallTracker({ publish: (event) => this.#accept(event), isUp });
    this.buffer = new RetryBuffer<CallEvent>({
      keyOf: ({ notification }) => notification.uuid,
      isUrgent: ({ notification }) => notification.action === 'hangup',
      send: (event) => this.#publish(event),
      limit: config.MAX_BUFFERED_NOTIFICATIONS,
      onDropped: ({ notification }, dropped) =>
        log.error('notification.dropped', { ...about(notification), action: notification.action, dropped }),
      onFailed: (err, failures) => {
        if (isDuplicateInProcess(err)) log.debug('notification.publish_failed', { err });
        else if (failures === 1) log.warn('notification.publish_failed', { err, buffered: this.buffer.size });
      },
    });
  }

  /** Call when no further events arrive. Resolves when everything is published or `cancel` fires. */
  drain(cancel: AbortSignal): Promise<void> {
    this.tracker.endWaits();
    return this.buffer.drain(cancel);
  }

  /** Call when a hangup of the call is synthesized. */
  onClosed(uuid: string): void {
    this.#closed.set(uuid, true);
  }

  /** Call for every event of the event socket. */
  onEvent(data: FreeSwitchEvent): void {
    const event = legEvent(data, this.#settings);
    if (event === undefined) return;
    measureEventLag(event);
    this.#checkClosed(event);
    if (isTracing()) legSpan(event, this.#masked);
    this.tracker.onEvent(event);
  }

  /** Handles an event of a call whose hangup was already synthesized: it is still live, or ends only now. */
  #checkClosed({ call, node, kind }: LegEvent): void {
    if (!this.#closed.delete(call)) return;
    this.#log.warn('live_call.closed_early', { ...aboutCall(call, node), kind });
    countClosedEarly(node);
  }

  #accept(event: CallEvent): void {
    const { endpoint, wanted, notification } = event;
    if (endpoint.notify && wanted) {
      this.buffer.add(event);
      return;
    }
    if (notification.action !== 'hangup') return;
    callSpan(event, this.#masked);
    if (endpoint.notify) this.#options.onHangupPublished?.(notification);
  }

  async #publish(event: CallEvent): Promise<void> {
    const { notification, endpoint } = event;
    const { uuid, leg, action } = notification;
    const attributes = { 'dialhook.call': uuid, 'dialhook.leg': leg, 'dialhook.action': action };
    const parent = callContext(uuid);
    const isNew = await inSpan(
      `publish ${action}`,
      { parent, kind: SpanKind.PRODUCER, attributes },
      (_, context) => this.#publisher.publish({ v: 1, url: endpoint.url, notification }, context),
    );
    if (action === 'hangup') this.#options.onHangupPublished?.(notification);
    if (!isNew) return;
    const { node, time } = notification;
    this.#timeline.add({ step: 'published', uuid, node, time, notification });
    countPublished(notification);
    this.#log.info('notification.published', { ...about(notification), ...summary(notification) });
    if (action === 'hangup') callSpan(event, this.#masked);
  }
}
