import type { Bus } from '#libs/bus/connection.ts';
import { DecisionClient } from '#libs/bus/decision-client.ts';
import { reportMissingJetStream } from '#libs/bus/jetstream.ts';
import { LiveCalls } from '#libs/bus/live-calls.ts';
import { reportOldServer } from '#libs/bus/server-version.ts';
import { publishStatus } from '#libs/bus/status.ts';
import { openTimeline, type TimelinePublisher } from '#libs/bus/timeline.ts';
import { tagCall } from '#libs/dialplan/applications.ts';
import { REPORTING_VARIABLES } from '#libs/dialplan/reporting.ts';
import type { Application } from '#libs/dialplan/settings.ts';
import { SKIPPED_VARIABLE } from '#libs/dialplan/skipped.ts';
import { OutboundServer } from '#libs/esl/outbound.ts';
import { SetAside } from '#libs/isolation/set-aside.ts';
import type { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import type { Log } from '#libs/telemetry/log.ts';
import { openAdmission } from './admission.ts';
import { type ChannelData, defectOf, legId, variable } from './call/channel-data.ts';
import { isTagged } from './call/entry.ts';
import { encodeIdentity, IDENTITY_VARIABLE, newIdentity } from './call/identity.ts';
import { CallHandler } from './call-handler.ts';
import type { AgentConfig } from './config.ts';
import { openEmbeddedRouter } from './embedded-router.ts';
import { EventPublisher, type EventPublisherOptions } from './event-publisher.ts';
import { FreeSwitchLink } from './freeswitch-link.ts';
import { trackIn } from './live-call.ts';
import { observeAgent } from './metrics.ts';
import { SocketGuard } from './socket-guard.ts';

/** The parts of a running agent. */
export interface Agent {
  /** Accepts the connections of FreeSWITCH's `socket` application. */
  readonly server: OutboundServer;
  readonly handler: CallHandler;
  readonly publisher: EventPublisher;
  readonly freeSwitch: FreeSwitchLink;
  readonly timeline: TimelinePublisher;
}

function openLiveCalls(
  config: AgentConfig,
  bus: Bus,
  lifecycle: Lifecycle,
  log: Log,
  aside: SetAside,
): LiveCalls {
  const limits = {
    replicas: config.LIVE_CALLS_REPLICAS,
    maxBytes: config.LIVE_CALLS_MAX_BYTES,
    maxAgeMs: config.LIVE_CALLS_MAX_AGE_MS,
    maxBuffered: config.MAX_BUFFERED_LIVE_CALLS,
  };
  const live = new LiveCalls(bus, limits, log, aside);
  // Reported by /readyz but never makes the agent unready: calls can be decided without it.
  lifecycle.check(
    'live calls',
    () => live.trouble,
    () => false,
  );
  lifecycle.onStop('live calls', () => live.drain(AbortSignal.timeout(config.STOP_DEADLINE_MS / 4)));
  return live;
}

/** Default: only when a call can be decided without NATS. */
const acceptsWithoutNats = ({ ACCEPT_WITHOUT_NATS, DEFAULT_DECISION, router }: AgentConfig): boolean =>
  ACCEPT_WITHOUT_NATS === undefined
    ? DEFAULT_DECISION !== undefined || router !== undefined
    : ACCEPT_WITHOUT_NATS === 'on';

/** Tags the caller leg of a new call. Variables of the call that it was a called leg of are unset. */
function newTag(data: ChannelData): Application {
  const left = [...REPORTING_VARIABLES, SKIPPED_VARIABLE].filter((name) => variable(data, name) !== '');
  return tagCall(
    legId(data),
    { [IDENTITY_VARIABLE]: encodeIdentity(newIdentity(data)) },
    Object.fromEntries(left.map((name) => [name, ''])),
  );
}

async function listenForCalls(
  config: AgentConfig,
  bus: Bus,
  handler: CallHandler,
  lifecycle: Lifecycle,
  log: Log,
  aside: SetAside,
): Promise<OutboundServer> {
  const guard = new SocketGuard(config.SOCKET_ALLOWED_NETWORKS, log);
  const server = await OutboundServer.listen({
    host: config.SOCKET_HOST,
    port: config.SOCKET_PORT,
    admits: (address) => guard.admits(address),
    maxConnections: config.MAX_SOCKET_CONNECTIONS,
    maxConnectionsPerAddress: config.MAX_SOCKET_CONNECTIONS_PER_ADDRESS,
    maxChannelDataBytes: config.MAX_CHANNEL_DATA_BYTES,
    onRefused: (address, reason) => guard.refuse(address, reason),
    tag: (data) => (isTagged(data) ? undefined : newTag(data)),
    defectOf: (data) => defectOf(data, config.NODE_NAME),
    readAhead: 'cti_bridge',
    onCall: (call) => handler.handle(call),
    onError: (err, uuid) => {
      if (uuid === undefined) log.error('socket.connection_failed', { err });
      else aside.add('call', err, { call: uuid });
    },
  });
  lifecycle.onStop('socket', () => server.close());
  log.info('socket.listening', { host: config.SOCKET_HOST, port: server.port });
  if (!acceptsWithoutNats(config)) {
    // Another agent, which is the next host in the dialplan, may be connected to NATS.
    bus.onChange((connected) => {
      server.accept(connected);
      if (lifecycle.stopping) return;
      if (connected) log.info('socket.listening', { host: config.SOCKET_HOST, port: server.port });
      else log.warn('socket.refusing', { error: 'not connected to NATS' });
    });
    server.accept(bus.connected);
  }
  return server;
}

/**
 * Starts an agent: it handles calls from FreeSWITCH's `socket` application and publishes FreeSWITCH's events. On stop
 * it accepts no more calls, decides those in flight, closes the event socket, and publishes buffered events.
 * @param tuning times that tests shorten.
 * @throws when SOCKET_PORT cannot be listened on.
 */
export async function startAgent(
  config: AgentConfig,
  bus: Bus,
  lifecycle: Lifecycle,
  log: Log,
  tuning: Pick<EventPublisherOptions, 'otherAgentWaitMs'> = {},
): Promise<Agent> {
  reportMissingJetStream(bus, lifecycle, log);
  reportOldServer(bus, config.LIVE_CALLS_REPLICAS, log);
  const timeline = openTimeline(bus, 'agent', config, lifecycle);
  const aside = SetAside.open(lifecycle, log);
  const live = openLiveCalls(config, bus, lifecycle, log, aside);
  const { limits, gateways, admit, onLegEvent } = openAdmission({
    config,
    bus,
    lifecycle,
    log,
    aside,
    freeSwitch: () => freeSwitch,
  });
  const publisher: EventPublisher = new EventPublisher({
    bus,
    config,
    log,
    aside,
    timeline,
    isUp: () => freeSwitch.up,
    watchedMs: () => freeSwitch.watchedMs,
    readEvents: () => freeSwitch.readNow(),
    ...tuning,
    onHangupPublished: (call) => live.remove(call),
    onLegEvent,
  });
  lifecycle.onStop('events', () => publisher.drain(AbortSignal.timeout(config.STOP_DEADLINE_MS / 2)));
  const freeSwitch: FreeSwitchLink = new FreeSwitchLink({
    config,
    bus,
    live,
    publisher,
    limits,
    log,
    aside,
  });
  freeSwitch.joinLifecycle(lifecycle);
  const embedded = openEmbeddedRouter(config, timeline, lifecycle, log);
  const handler = new CallHandler({
    decisions: embedded?.decisions ?? new DecisionClient(bus, config.HEDGE_AFTER_MS),
    config,
    log,
    aside,
    timeline,
    trackCall: trackIn(live),
    tracker: publisher.tracker,
    admit,
    onCallerGone: (call) => limits.freeCall(call),
    onUntaggedHangup: () => freeSwitch.onUntaggedHangup(),
  });
  observeAgent({ node: config.NODE_NAME, bus, live, buffer: publisher.buffer, freeSwitch, handler });
  const server = await listenForCalls(config, bus, handler, lifecycle, log, aside);
  publishStatus(bus, lifecycle, {
    service: 'agent',
    node: () => freeSwitch.node,
    limits: () => limits.status(),
    gateways: () => gateways.status(),
    ...(embedded ? { endpoints: () => embedded.service.endpoints() } : {}),
    figures: () => ({
      calls_in_flight: handler.deciding,
      live_calls: live.size,
      notifications_buffered: publisher.buffer.size,
      notifications_dropped: publisher.buffer.dropped,
      live_calls_buffered: live.buffered,
      live_calls_dropped: live.dropped,
      event_socket_up: freeSwitch.up ? 1 : 0,
      event_lag_ms: freeSwitch.takeLagMs(),
      timeline_dropped: timeline.dropped,
    }),
  });
  return { server, handler, publisher, freeSwitch, timeline };
}
