import { Bus } from '#libs/bus/connection.ts';
import { openTimeline, type TimelinePublisher } from '#libs/bus/timeline.ts';
import { TAG_CALL } from '#libs/dialplan/applications.ts';
import { InboundConnection } from '#libs/esl/inbound.ts';
import { OutboundServer } from '#libs/esl/outbound.ts';
import { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { EVENTS, FILTERS } from '#services/agent/call/notification.ts';
import { CallHandler } from '#services/agent/call-handler.ts';
import { type AgentConfig, readAgentConfig } from '#services/agent/config.ts';
import { EventPublisher } from '#services/agent/event-publisher.ts';
import type { TrackCall } from '#services/agent/live-call.ts';
import { type LogLine, recordLog } from '#test/support/log.ts';

/** The half of an agent that takes calls, over real sockets and a real NATS. */
export interface CallTaker {
  readonly port: number;
  readonly size: () => number;
  readonly timeline: TimelinePublisher;
  readonly handler: CallHandler;
  readonly connected: () => boolean;
  readonly lines: LogLine[];
  readonly errors: Error[];
  stop(): Promise<void>;
}

export async function takeCalls(
  natsUrl: string,
  env: NodeJS.ProcessEnv = {},
  trackCall?: TrackCall,
): Promise<CallTaker> {
  const { log, lines } = recordLog();
  const lifecycle = new Lifecycle(log, 5_000);
  const bus = await Bus.connect(natsUrl, 'agent', lifecycle, log);
  const errors: Error[] = [];
  const config = readAgentConfig(env);
  const timeline = openTimeline(bus, 'agent', config, lifecycle);
  const handler = new CallHandler(bus, config, log, trackCall, timeline);
  const server = await OutboundServer.listen({
    host: '127.0.0.1',
    port: 0,
    mark: TAG_CALL,
    readAhead: 'cti_bridge',
    onCall: (call) => handler.handle(call),
    onRefused: (_, why) => errors.push(new Error(why)),
    onError: (error) => errors.push(error),
  });
  lifecycle.onStop('socket', () => server.close());
  return {
    port: server.port,
    size: () => server.size,
    timeline,
    handler,
    connected: () => bus.connected,
    lines,
    errors,
    stop: () => lifecycle.stop(),
  };
}

/** The half of an agent that watches calls. */
export interface Watcher {
  readonly progress: EventPublisher;
  readonly lines: LogLine[];
  readonly up: () => boolean;
  /** Resolves when all that FreeSWITCH wrote before its answer has been taken in. */
  readonly allTaken: () => Promise<string>;
  stop(): Promise<void>;
}

export async function watchCalls(
  natsUrl: string,
  freeSwitchPort: number,
  env: NodeJS.ProcessEnv = {},
): Promise<Watcher> {
  const { log, lines } = recordLog();
  const lifecycle = new Lifecycle(log, 5_000);
  const bus = await Bus.connect(natsUrl, 'agent', lifecycle, log);
  const config: AgentConfig = readAgentConfig(env);
  const progress = new EventPublisher(bus, config, log);
  lifecycle.onStop('progress', () => progress.outbox.drain(AbortSignal.timeout(5_000)));
  const events = new InboundConnection({
    host: '127.0.0.1',
    port: freeSwitchPort,
    user: undefined,
    password: 'ClueCon',
    events: EVENTS,
    filters: FILTERS,
    onEvent: (event) => progress.take(event),
    onUp: () => log.info('freeswitch.connected'),
    onDown: (err) => log.warn('freeswitch.disconnected', { err }),
    onFault: (err) => log.error('freeswitch.event_invalid', { err }),
  });
  lifecycle.onStop('event socket', () => events.close());
  return {
    progress,
    lines,
    up: () => events.up,
    allTaken: () => events.api('status'),
    stop: () => lifecycle.stop(),
  };
}
