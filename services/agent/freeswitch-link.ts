import type { Bus } from '#libs/bus/connection.ts';
import type { LiveCalls } from '#libs/bus/live-calls.ts';
import { type FreeSwitchEvent, InboundConnection } from '#libs/esl/inbound.ts';
import type { SetAside } from '#libs/isolation/set-aside.ts';
import type { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import type { Log } from '#libs/telemetry/log.ts';
import { EVENTS, FILTERS, OPTIONAL_EVENTS } from './call/leg-event.ts';
import { CallControl } from './call-control.ts';
import type { AgentConfig } from './config.ts';
import { EventLag } from './event-lag.ts';
import type { EventPublisher } from './event-publisher.ts';
import { type LimitedCalls, Reconciler } from './reconciler.ts';

export interface FreeSwitchLinkOptions {
  readonly config: AgentConfig;
  readonly bus: Bus;
  readonly live: LiveCalls;
  readonly publisher: EventPublisher;
  readonly limits?: LimitedCalls;
  readonly log: Log;
  readonly aside: SetAside;
}

/** Name, channel and number of an event, from its text: it may not be JSON. */
function eventIdentity(body: Buffer): object {
  const text = body.toString('latin1');
  const value = (header: string) => new RegExp(`"${header}":"([^"]{1,100})"`).exec(text)?.[1];
  return {
    event_name: value('Event-Name'),
    channel: value('Unique-ID'),
    sequence: value('Event-Sequence'),
  };
}

/**
 * The event socket connection of the agent to its FreeSWITCH. It passes events to the publisher; while it is up, live
 * calls are reconciled and operators can control calls.
 */
export class FreeSwitchLink {
  readonly #connection: InboundConnection;
  readonly #lag: EventLag;
  readonly #reconciler: Reconciler;
  readonly #control: CallControl;
  readonly #publisher: EventPublisher;
  readonly #log: Log;
  #wasUp = false;
  #upSince = Number.POSITIVE_INFINITY;

  constructor({ config, bus, live, publisher, limits, log, aside }: FreeSwitchLinkOptions) {
    const nodeName = config.NODE_NAME;
    const api = (command: string) => this.api(command);
    this.#publisher = publisher;
    this.#log = log;
    this.#lag = new EventLag(nodeName);
    this.#reconciler = new Reconciler({
      api,
      apiJson: (command) => this.#connection.apiJson(command),
      nodeName,
      live,
      buffer: publisher.buffer,
      limits,
      intervalMs: config.RECONCILE_INTERVAL_MS,
      confirmMs: config.RECONCILE_CONFIRM_MS,
      restartWaitMs: config.RECONCILE_RESTART_WAIT_MS,
      onClosed: (uuid) => publisher.onClosed(uuid),
      log,
      aside,
    });
    this.#control = new CallControl({
      enabled: config.CALL_CONTROL === 'on',
      bus,
      api,
      nodeName,
      channelOf: async (node, id) => (await live.find(node, id))?.channel_uuid,
      log,
      aside,
    });
    this.#connection = new InboundConnection({
      host: config.FREESWITCH_HOST,
      port: config.FREESWITCH_PORT,
      user: config.FREESWITCH_USER,
      password: config.FREESWITCH_PASSWORD,
      events: EVENTS,
      optionalEvents: OPTIONAL_EVENTS,
      onEventRefused: (name) => log.warn('freeswitch.event_refused', { name }),
      filters: FILTERS,
      onEvent: (event) => this.#onEvent(event),
      onUp: () => this.#onUp(),
      onFault: (error, body) => aside.add('freeswitch_event', error, eventIdentity(body)),
      onDown: (err) => this.#onDown(err),
      silenceMs: config.EVENT_SOCKET_SILENCE_MS,
      batchMs: config.EVENT_BATCH_MS,
    });
  }

  /** Whether the agent is logged in to the event socket. */
  get up(): boolean {
    return this.#connection.up;
  }

  /** For how long events have been arriving, ms; negative before the first login. */
  get watchedMs(): number {
    return performance.now() - this.#upSince;
  }

  /** NODE_NAME, or the name in FreeSWITCH's events; undefined before the first event. */
  get node(): string | undefined {
    return this.#lag.node;
  }

  /** The worst delay of an event since the last call of this method, in milliseconds. */
  takeLagMs(): number {
    return this.#lag.take();
  }

  /** A caller has hung up before its channel was tagged: its hangup event is not published, so one is synthesized. */
  onUntaggedHangup(): void {
    if (this.up) this.#reconciler.reconcileSoon();
  }

  /** Resolves when the events that have arrived are published or buffered. */
  readNow(): Promise<void> {
    return this.#connection.readNow();
  }

  /** Runs an api command of FreeSWITCH. Rejects while the connection is down. */
  api(command: string): Promise<string> {
    return this.#connection.api(command);
  }

  /** Registers the readiness check and the stop steps, which run in the reverse order. */
  joinLifecycle(lifecycle: Lifecycle): void {
    // Only until the first login: in a rolling update the old agent must not stop before its successor hears events.
    // Later a lost connection makes no agent unready, since calls can be decided without it.
    lifecycle.check(
      'freeswitch',
      () => (this.up ? undefined : 'not logged in to the event socket'),
      () => !this.#wasUp,
    );
    lifecycle.onStop('reconciler', () => this.#reconciler.close());
    // The node's other agent may have logged in after the events of the last batch.
    lifecycle.onStop('event socket', () => this.#connection.finish());
    lifecycle.onStop('call control', () => this.#control.stop());
  }

  #onEvent(event: FreeSwitchEvent): void {
    this.#lag.record(event);
    this.#publisher.onEvent(event);
  }

  #onUp(): void {
    this.#wasUp = true;
    this.#upSince = performance.now();
    this.#log.info('freeswitch.connected');
    this.#reconciler.reconcile();
    this.#control.start();
  }

  #onDown(err: Error): void {
    this.#control.stop();
    this.#log.warn('freeswitch.disconnected', { err });
  }
}
