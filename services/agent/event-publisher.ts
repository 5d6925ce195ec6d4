import { SpanKind } from '@opentelemetry/api';
import { RetryBuffer } from '#libs/buffer/retry-buffer.ts';
import type { Bus } from '#libs/bus/connection.ts';
import { ProgressPublisher } from '#libs/bus/progress.ts';
import { NO_TIMELINE, type TimelineRecorder } from '#libs/bus/timeline.ts';
import type { Notification } from '#libs/contract/endpoint.ts';
import type { FreeSwitchEvent } from '#libs/esl/inbound.ts';
import { callContext } from '#libs/telemetry/call-ids.ts';
import { aboutCall, type Log } from '#libs/telemetry/log.ts';
import { maskNumber } from '#libs/telemetry/numbers.ts';
import { emitCallSpan, emitLegSpan, inSpan, isTracing } from '#libs/telemetry/tracing.ts';
import { endedLeg } from './call/ended-leg.ts';
import { type CallEvent, readEvent } from './call/notification.ts';
import type { AgentConfig } from './config.ts';
import { countPublished, measureEventLag } from './metrics.ts';

const about = ({ uuid, node }: Notification) => aboutCall(uuid, node);

/** The log fields of a notification. */
const summary = (notification: Notification) => {
  const { action, leg } = notification;
  if (notification.action === 'transfer')
    return { action, leg, kind: notification.kind, by: notification.by };
  if (notification.action !== 'hangup') return { action, leg, number: notification.called_number };
  if (notification.recovered) return { action, leg, cause: notification.cause, recovered: true };
  const { cause, hangup_by, duration_ms, billable_ms } = notification;
  return { action, leg, cause, hangup_by, duration_ms, billable_ms };
};

export interface EventPublisherOptions {
  readonly bus: Bus;
  readonly config: AgentConfig;
  readonly log: Log;
  readonly timeline?: TimelineRecorder;
  /** Called when JetStream has stored the hangup of a call, whether this agent or another one published it. */
  readonly onHangupPublished?: (call: { uuid: string; node: string }) => void;
}

/**
 * Turns FreeSWITCH's events into progress events for the notifier and buffers each until JetStream has stored it.
 * Events without a notification (a leg's end, `notify` 0) only end spans.
 */
export class EventPublisher {
  readonly buffer: RetryBuffer<CallEvent>;
  readonly #publisher: ProgressPublisher;
  readonly #settings: { nodeName: string | undefined; defaultUrl: string | undefined };
  readonly #masked: boolean;
  readonly #log: Log;
  readonly #timeline: TimelineRecorder;
  readonly #onHangupPublished: (call: { uuid: string; node: string }) => void;

  constructor({
    bus,
    config,
    log,
    timeline = NO_TIMELINE,
    onHangupPublished = () => {},
  }: EventPublisherOptions) {
    this.#timeline = timeline;
    this.#publisher = new ProgressPublisher(bus);
    this.#settings = { nodeName: config.NODE_NAME, defaultUrl: config.DEFAULT_ENDPOINT_URL };
    this.#masked = config.LOG_NUMBERS === 'masked';
    this.#log = log;
    this.#onHangupPublished = onHangupPublished;
    this.buffer = new RetryBuffer<CallEvent>({
      keyOf: ({ notification }) => notification.uuid,
      isUrgent: ({ notification }) => notification.action === 'hangup',
      send: (event) => this.#publish(event),
      limit: config.MAX_BUFFERED_NOTIFICATIONS,
      onDropped: ({ notification }, dropped) =>
        log.error('notification.dropped', { ...about(notification), action: notification.action, dropped }),
      onFailed: (err, failures) => {
        if (failures === 1) log.warn('notification.publish_failed', { err, buffered: this.buffer.size });
      },
    });
  }

  /** Call for every event of the event socket. */
  onEvent(event: FreeSwitchEvent): void {
    const read = readEvent(event, this.#settings);
    if (!read) {
      this.#emitLegSpan(event);
      return;
    }
    measureEventLag(read.notification);
    if (read.endpoint.notify) this.buffer.add(read);
    else if (read.notification.action === 'hangup') this.#emitCallSpan(read);
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
    if (action === 'hangup') this.#onHangupPublished(notification);
    if (!isNew) return;
    const { node, time } = notification;
    this.#timeline.add({ step: 'published', uuid, node, time, notification });
    countPublished(notification);
    this.#log.info('notification.published', { ...about(notification), ...summary(notification) });
    if (action === 'hangup') this.#emitCallSpan(event);
  }

  #emitCallSpan({ notification, callStart }: CallEvent): void {
    if (notification.action !== 'hangup') return;
    const { uuid, node, destination_number, cause } = notification;
    const { result, recovered } = notification.recovered
      ? { result: undefined, recovered: true }
      : { result: notification.result, recovered: false };
    emitCallSpan(uuid, {
      start: new Date(callStart),
      end: new Date(notification.time),
      error: result === 'decided' ? undefined : result,
      attributes: {
        'dialhook.call': uuid,
        'dialhook.node': node,
        'dialhook.destination': this.#shown(destination_number),
        'dialhook.cause': cause,
        ...(result === undefined ? {} : { 'dialhook.result': result }),
        ...(recovered ? { 'dialhook.recovered': true } : {}),
      },
    });
  }

  #emitLegSpan(event: FreeSwitchEvent): void {
    const ended = isTracing() ? endedLeg(event, this.#settings.nodeName) : undefined;
    if (!ended) return;
    const { uuid, leg, node, number, cause, ...times } = ended;
    const attributes = {
      'dialhook.call': uuid,
      'dialhook.leg': leg,
      'dialhook.node': node,
      'dialhook.destination': this.#shown(number),
      'dialhook.cause': cause,
    };
    emitLegSpan(uuid, leg, { ...times, attributes });
  }

  #shown(number: string): string {
    return this.#masked ? maskNumber(number) : number;
  }
}
