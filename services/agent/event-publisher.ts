import { SpanKind } from '@opentelemetry/api';
import { RetryBuffer } from '#libs/buffer/retry-buffer.ts';
import type { Bus } from '#libs/bus/connection.ts';
import { isDuplicateInProcess, ProgressPublisher } from '#libs/bus/progress.ts';
import { NO_TIMELINE, type TimelineRecorder } from '#libs/bus/timeline.ts';
import type { Notification } from '#libs/contract/endpoint.ts';
import type { FreeSwitchEvent } from '#libs/esl/inbound.ts';
import type { SetAside } from '#libs/isolation/set-aside.ts';
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
import { isNotYet, OTHER_AGENT_WAIT_MS, OtherAgentFirst } from './other-agent-first.ts';

/** Maximum number of synthesized hangups in memory. */
const MAX_CLOSED = 10_000;
/** Notifications being stored at once, of different calls. */
const MAX_IN_FLIGHT = 1_000;

const about = ({ uuid, node }: Notification) => aboutCall(uuid, node);

/** The log fields of a notification. */
function summary(notification: Notification) {
  const { action, leg } = notification;
  if (notification.action === 'transfer')
    return { action, leg, kind: notification.kind, by: notification.by };
  if (notification.action === 'leg_end')
    return { action, leg, number: notification.called_number, cause: notification.cause };
  if (notification.action === 'recording')
    return {
      action,
      leg,
      number: notification.called_number,
      complete: notification.complete,
      duration_ms: notification.duration_ms,
    };
  if (notification.action !== 'hangup') return { action, leg, number: notification.called_number };
  if (notification.recovered) return { action, leg, cause: notification.cause, recovered: true };
  const { cause, hangup_by, duration_ms, billable_ms } = notification;
  return { action, leg, cause, hangup_by, duration_ms, billable_ms };
}

export interface EventPublisherOptions {
  readonly bus: Bus;
  readonly config: AgentConfig;
  readonly log: Log;
  readonly aside: SetAside;
  readonly timeline?: TimelineRecorder;
  /** Whether FreeSWITCH's events arrive. Default: true. */
  readonly isUp?: () => boolean;
  /** Resolves when the events that have arrived are given to `onEvent`. Default: at once. */
  readonly readEvents?: () => Promise<void>;
  /** For how long FreeSWITCH's events have been arriving, ms. Default: always. */
  readonly watchedMs?: () => number;
  /** How long the node's other agent may take to publish what it has buffered, ms. Default: OTHER_AGENT_WAIT_MS. */
  readonly otherAgentWaitMs?: number | undefined;
  /** Called when JetStream has stored the hangup of a call, or its endpoint does not want it. */
  readonly onHangupPublished?: (call: { uuid: string; node: string }) => void;
  /** Called for every event of a leg. */
  readonly onLegEvent?: (event: LegEvent) => void;
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
  readonly #otherAgentFirst: OtherAgentFirst;
  readonly #settings: { nodeName: string | undefined; defaultUrl: string | undefined };
  readonly #masked: boolean;
  readonly #log: Log;
  readonly #timeline: TimelineRecorder;

  constructor(options: EventPublisherOptions) {
    const { bus, config, log, aside, timeline = NO_TIMELINE, isUp = () => true } = options;
    this.#otherAgentFirst = new OtherAgentFirst(
      options.watchedMs ?? (() => Number.POSITIVE_INFINITY),
      options.otherAgentWaitMs ?? OTHER_AGENT_WAIT_MS,
    );
    this.#options = options;
    this.#timeline = timeline;
    this.#publisher = new ProgressPublisher(bus);
    this.#settings = { nodeName: config.NODE_NAME, defaultUrl: config.DEFAULT_ENDPOINT_URL };
    this.#masked = config.LOG_NUMBERS === 'masked';
    this.#log = log;
    this.tracker = new CallTracker({
      publish: (event) => this.#accept(event),
      isUp,
      readEvents: options.readEvents,
      isolate: (call, work) => aside.run('call', () => ({ call }), work),
    });
    this.buffer = new RetryBuffer<CallEvent>({
      keyOf: ({ notification }) => notification.uuid,
      isUrgent: ({ notification }) => notification.action === 'hangup',
      send: (event) => this.#publish(event),
      limit: config.MAX_BUFFERED_NOTIFICATIONS,
      onDropped: ({ notification }, dropped) =>
        log.error('notification.dropped', {
          ...about(notification),
          action: notification.action,
          dropped,
          limit: config.MAX_BUFFERED_NOTIFICATIONS,
          setting: 'MAX_BUFFERED_NOTIFICATIONS',
        }),
      onSetAside: (event, error) => this.#setAside(event, error),
      maxInFlight: MAX_IN_FLIGHT,
      isExpected: (error) => isDuplicateInProcess(error) || isNotYet(error),
      onOutage: (err) => log.warn('notification.publish_failed', { err, buffered: this.buffer.size }),
      onRestored: (outage) => {
        this.#otherAgentFirst.onRestored();
        log.info('notification.publish_restored', { ...outage, buffered: this.buffer.size });
      },
    });
    bus.onChange((connected) => {
      if (connected) this.buffer.retry();
    });
  }

  /** Call when no further events arrive. Resolves when everything is published or `cancel` fires. */
  drain(cancel: AbortSignal): Promise<void> {
    this.tracker.endWaits();
    this.#otherAgentFirst.end();
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
    this.#options.onLegEvent?.(event);
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
    if (wanted) {
      this.#otherAgentFirst.add(event);
      this.buffer.add(event);
      return;
    }
    if (notification.action !== 'hangup') return;
    callSpan(event, this.#masked);
    if (endpoint.notify) this.#options.onHangupPublished?.(notification);
  }

  /** The live entry of a call ends with its hangup even so: otherwise reconciliation would publish it again and again. */
  #setAside({ notification }: CallEvent, error: Error): void {
    const { action, leg } = notification;
    this.#options.aside.add('notification', error, { ...about(notification), action, leg });
    if (action === 'hangup') this.#options.onHangupPublished?.(notification);
  }

  async #publish(event: CallEvent): Promise<void> {
    this.#otherAgentFirst.check(event);
    if (!this.#options.bus.connected) throw new Error('not connected to NATS');
    const { notification, endpoint } = event;
    const { uuid, leg, action } = notification;
    const attributes = { 'dialhook.call': uuid, 'dialhook.leg': leg, 'dialhook.action': action };
    const parent = callContext(uuid);
    const isNew = await inSpan(
      `publish ${action}`,
      { parent, kind: SpanKind.PRODUCER, attributes },
      (_, context) => this.#publisher.publish({ v: 1, url: endpoint.url, notification }, context),
    ).catch((error: unknown) => {
      if (!isDuplicateInProcess(error)) this.#otherAgentFirst.onFailed(event);
      throw error;
    });
    if (action === 'hangup') this.#options.onHangupPublished?.(notification);
    if (!isNew) return;
    const { node, time } = notification;
    this.#timeline.add({ step: 'published', uuid, node, time, notification });
    countPublished(notification);
    this.#log.info('notification.published', { ...about(notification), ...summary(notification) });
    if (action === 'hangup') callSpan(event, this.#masked);
  }
}
