import type { Bus } from '#libs/bus/connection.ts';
import type { LiveCalls } from '#libs/bus/live-calls.ts';
import { type FreeSwitchEvent, InboundConnection } from '#libs/esl/inbound.ts';
import type { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import type { Log } from '#libs/telemetry/log.ts';
import { EVENTS, FILTERS, OPTIONAL_EVENTS } from './call/leg-event.ts';
import { CallControl } from './call-control.ts';
import type { AgentConfig } from './config.ts';
import { EventLag } from './event-lag.ts';
import type { EventPublisher } from './event-publisher.ts';
import { Reconciler } from './reconciler.ts';

export interface FreeSwitchLinkOptions {
  readonly config: AgentConfig;
  readonly bus: Bus;
  readonly live: LiveCalls;
  readonly publisher: EventPublisher;
  readonly log: Log;
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

  constructor({ config, bus, live, publisher, log }: FreeSwitchLinkOptions) {
    const nodeName = config.NODE_NAME;
    const api = (command: string) => this.api(command);
    this.#publisher = publisher;
    this.#log = log;
    this.#lag = new EventLag(nodeName);
    this.#reconciler = new Reconciler({
      api,
      nodeName,
      live,
      buffer: publisher.buffer,
      intervalMs: config.RECONCILE_INTERVAL_MS,
      confirmMs: config.RECONCILE_CONFIRM_MS,
      restartWaitMs: config.RECONCILE_RESTART_WAIT_MS,
      onClosed: (uuid) => publisher.onClosed(uuid),
      log,
    });
    this.#control = new CallControl({ enabled: config.CALL_CONTROL === 'on', bus, api, nodeName, log });
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
      onFault: (err) => log.error('freeswitch.event_invalid', { err }),
      onDown: (err) => this.#onDown(err),
      silenceMs: config.EVENT_SOCKET_SILENCE_MS,
    });
  }

  /** Whether the agent is logged in to the event socket. */
  get up(): boolean {
    return this.#connection.up;
  }

  /** NODE_NAME, or the name in FreeSWITCH's events; undefined before the first event. */
  get node(): string | undefined {
    return this.#lag.node;
  }

  /** The worst delay of an event since the last call of this method, in milliseconds. */
  takeLagMs(): number {
    return this.#lag.take();
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
    lifecycle.onStop('event socket', () => this.#connection.close());
    lifecycle.onStop('call control', () => this.#control.stop());
  }

  #onEvent(event: FreeSwitchEvent): void {
    this.#lag.record(event);
    this.#publisher.onEvent(event);
  }

  #onUp(): void {
    this.#wasUp = true;
    this.#log.info('freeswitch.connected');
    this.#reconciler.reconcile();
    this.#control.start();
  }

  #onDown(err: Error): void {
    this.#control.stop();
    this.#log.warn('freeswitch.disconnected', { err });
  }
}
