import { SpanKind } from '@opentelemetry/api';
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
import { eventRead, published } from './metrics.ts';
import { Outbox } from './outbox.ts';

const about = ({ uuid, node }: Notification) => aboutCall(uuid, node);

/** What a log line says of a notification. */
const summary = (notification: Notification) => {
  const { action, leg } = notification;
  if (notification.action !== 'hangup') return { action, leg, number: notification.called_number };
  if (notification.recovered) return { action, leg, cause: notification.cause, recovered: true };
  const { cause, hangup_by, duration_ms, billable_ms } = notification;
  return { action, leg, cause, hangup_by, duration_ms, billable_ms };
};

/** From FreeSWITCH's events to the notifier: reads each, and holds it until JetStream has it. */
export class EventPublisher {
  readonly outbox: Outbox<CallEvent>;
  readonly #publisher: ProgressPublisher;
  readonly #settings: { nodeName: string | undefined; defaultUrl: string | undefined };
  readonly #masked: boolean;
  readonly #log: Log;
  readonly #timeline: TimelineRecorder;
  readonly #onEnded: (call: { uuid: string; node: string }) => void;

  /** `onEnded` is called when JetStream has a call's hangup, whoever brought it. */
  constructor(
    bus: Bus,
    config: AgentConfig,
    log: Log,
    onEnded: (call: { uuid: string; node: string }) => void = () => {},
    timeline: TimelineRecorder = NO_TIMELINE,
  ) {
    this.#timeline = timeline;
    this.#publisher = new ProgressPublisher(bus);
    this.#settings = { nodeName: config.NODE_NAME, defaultUrl: config.DEFAULT_ENDPOINT_URL };
    this.#masked = config.LOG_NUMBERS === 'masked';
    this.#log = log;
    this.#onEnded = onEnded;
    this.outbox = new Outbox<CallEvent>({
      callOf: ({ notification }) => notification.uuid,
      urgent: ({ notification }) => notification.action === 'hangup',
      publish: (event) => this.#publish(event),
      limit: config.MAX_BUFFERED_NOTIFICATIONS,
      onDropped: ({ notification }, dropped) =>
        log.error('notification.dropped', { ...about(notification), action: notification.action, dropped }),
      onFailed: (err, held) => log.warn('notification.publish_failed', { err, held }),
    });
  }

  /** Takes one event from the event socket. */
  take(event: FreeSwitchEvent): void {
    const read = readEvent(event, this.#settings);
    if (!read) {
      this.#emitLeg(event);
      return;
    }
    eventRead(read.notification);
    if (read.endpoint.notify) this.outbox.add(read);
    else if (read.notification.action === 'hangup') this.#emitRoot(read);
  }

  async #publish(event: CallEvent): Promise<void> {
    const { notification, endpoint } = event;
    const { uuid, leg, action } = notification;
    const attributes = { 'dialhook.call': uuid, 'dialhook.leg': leg, 'dialhook.action': action };
    const parent = callContext(uuid);
    const first = await inSpan(
      `publish ${action}`,
      { parent, kind: SpanKind.PRODUCER, attributes },
      (_, context) => this.#publisher.publish({ v: 1, url: endpoint.url, notification }, context),
    );
    if (action === 'hangup') this.#onEnded(notification);
    if (!first) return;
    const { node, time } = notification;
    this.#timeline.add({ step: 'published', uuid, node, time, notification });
    published(notification);
    this.#log.info('notification.published', { ...about(notification), ...summary(notification) });
    if (action === 'hangup') this.#emitRoot(event);
  }

  #emitRoot({ notification, callStart }: CallEvent): void {
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

  #emitLeg(event: FreeSwitchEvent): void {
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
