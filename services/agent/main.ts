import { Bus } from '#libs/bus/connection.ts';
import { LiveCalls } from '#libs/bus/live-calls.ts';
import { publishStatus } from '#libs/bus/status.ts';
import { openTimeline } from '#libs/bus/timeline.ts';
import { TAG_CALL } from '#libs/dialplan/applications.ts';
import { InboundConnection } from '#libs/esl/inbound.ts';
import { OutboundServer } from '#libs/esl/outbound.ts';
import type { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { runService } from '#libs/lifecycle/service.ts';
import type { Log } from '#libs/telemetry/log.ts';
import { EVENTS, FILTERS } from './call/notification.ts';
import { CallControl } from './call-control.ts';
import { CallHandler } from './call-handler.ts';
import { type AgentConfig, readAgentConfig } from './config.ts';
import { EventLag } from './event-lag.ts';
import { EventPublisher } from './event-publisher.ts';
import { trackIn } from './live-call.ts';
import { observeAgent } from './metrics.ts';
import { Reconciler } from './reconciler.ts';
import { SocketGuard } from './socket-guard.ts';

async function start(config: AgentConfig, lifecycle: Lifecycle, log: Log): Promise<void> {
  const bus = await Bus.connect(config, 'agent', lifecycle, log);

  const timeline = openTimeline(bus, 'agent', config, lifecycle);

  const limits = {
    replicas: config.LIVE_CALLS_REPLICAS,
    maxBytes: config.LIVE_CALLS_MAX_BYTES,
    maxAgeMs: config.LIVE_CALLS_MAX_AGE_MS,
    maxBuffered: config.MAX_BUFFERED_LIVE_CALLS,
  };
  const live = new LiveCalls(bus, limits, log);
  // Calls can be decided without it: that they are not sent here would help nobody.
  lifecycle.check(
    'live calls',
    () => live.trouble,
    () => false,
  );
  lifecycle.onStop('live calls', () => live.drain(AbortSignal.timeout(config.STOP_DEADLINE_MS / 4)));

  const progress = new EventPublisher(bus, config, log, (call) => live.remove(call), timeline);
  lifecycle.onStop('progress', () => progress.outbox.drain(AbortSignal.timeout(config.STOP_DEADLINE_MS / 2)));

  const lag = new EventLag(config.NODE_NAME);
  let hasHeard = false;
  const events = new InboundConnection({
    host: config.FREESWITCH_HOST,
    port: config.FREESWITCH_PORT,
    user: config.FREESWITCH_USER,
    password: config.FREESWITCH_PASSWORD,
    events: EVENTS,
    filters: FILTERS,
    onEvent: (event) => {
      lag.heard(event);
      progress.take(event);
    },
    onUp: () => {
      hasHeard = true;
      log.info('freeswitch.connected');
      reconciler.reconcile();
      control.begin();
    },
    onFault: (err) => log.error('freeswitch.event_invalid', { err }),
    onDown: (err) => {
      control.pause();
      log.warn('freeswitch.disconnected', { err });
    },
    silenceMs: config.EVENT_SOCKET_SILENCE_MS,
  });
  const reconciler = new Reconciler({
    api: (command) => events.api(command),
    nodeName: config.NODE_NAME,
    live,
    outbox: progress.outbox,
    intervalMs: config.RECONCILE_INTERVAL_MS,
    confirmMs: config.RECONCILE_CONFIRM_MS,
    log,
  });
  const control = new CallControl({
    on: config.CALL_CONTROL === 'on',
    bus,
    api: (command) => events.api(command),
    nodeName: config.NODE_NAME,
    log,
  });
  // The same, but one that takes another's place has to hear FreeSWITCH before that one goes.
  lifecycle.check(
    'freeswitch',
    () => (events.up ? undefined : 'not logged in to the event socket'),
    () => !hasHeard,
  );
  lifecycle.onStop('recovery', () => reconciler.close());
  lifecycle.onStop('event socket', () => events.close());
  lifecycle.onStop('call control', () => control.pause());

  const handler = new CallHandler(bus, config, log, trackIn(live), timeline);
  observeAgent({ node: config.NODE_NAME, bus, live, outbox: progress.outbox, events, handler });
  const guard = new SocketGuard(config.SOCKET_ALLOWED_NETWORKS, log);
  const server = await OutboundServer.listen({
    host: config.SOCKET_HOST,
    port: config.SOCKET_PORT,
    admits: (address) => guard.admits(address),
    maxConnections: config.MAX_SOCKET_CONNECTIONS,
    maxConnectionsPerAddress: config.MAX_SOCKET_CONNECTIONS_PER_ADDRESS,
    onRefused: (address, why) => guard.refuse(address, why),
    mark: TAG_CALL,
    readAhead: 'cti_bridge',
    onCall: (call) => handler.handle(call),
    onError: (err) => log.error('socket.connection_failed', { err }),
  });
  lifecycle.onStop('socket', () => server.close());
  log.info('socket.listening', { host: config.SOCKET_HOST, port: server.port });
  publishStatus(bus, lifecycle, {
    service: 'agent',
    node: () => lag.node,
    figures: () => ({
      calls_in_flight: handler.deciding,
      live_calls: live.size,
      notifications_buffered: progress.outbox.held,
      notifications_dropped: progress.outbox.dropped,
      live_calls_buffered: live.buffered,
      live_calls_dropped: live.dropped,
      event_socket_up: events.up ? 1 : 0,
      event_lag_ms: lag.take(),
      timeline_dropped: timeline.dropped,
    }),
  });
}

await runService('agent', () => readAgentConfig(process.env), start);
