import type { Bus } from '#libs/bus/connection.ts';
import { readMessage } from '#libs/bus/message.ts';
import { publishStatus } from '#libs/bus/status.ts';
import { TimelineFollower } from '#libs/bus/timeline-reader.ts';
import { BUS } from '#libs/contract/messages.ts';
import { ServiceStatus } from '#libs/contract/status.ts';
import type { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import type { Log } from '#libs/telemetry/log.ts';
import { Calls } from './calls.ts';
import type { ConsoleConfig } from './config.ts';
import { ConsoleContext } from './context.ts';
import { DeadLetterStore } from './dead-letters.ts';
import { EndpointStore } from './endpoints.ts';
import { Instances } from './instances.ts';
import { Live } from './live.ts';
import { serve } from './server.ts';

function subscribeStatus(bus: Bus, log: Log, onStatus: (status: ServiceStatus) => void): void {
  bus.nats.subscribe(BUS.status, {
    callback: (error, message) => {
      if (error) return log.error('nats.subscription_failed', { err: error });
      try {
        onStatus(readMessage(ServiceStatus, BUS.status, message.data));
      } catch (fault) {
        log.debug('nats.message_ignored', { err: fault });
      }
    },
  });
}

/** Follows the timeline and the status messages, and serves the page and the API. @returns the port. */
export async function startConsole(
  config: ConsoleConfig,
  bus: Bus,
  lifecycle: Lifecycle,
  log: Log,
): Promise<number> {
  const calls = new Calls(config.CONSOLE_MAX_CALLS);
  const instances = new Instances();
  const live = new Live();
  lifecycle.onStop('events', () => live.close());
  const timeline = new TimelineFollower(
    bus,
    log,
    (step, order) => {
      const call = calls.add(step, order);
      if (call !== undefined && timeline.caughtUp) live.call(call);
    },
    () => calls.clear(),
  );
  lifecycle.check('timeline', () => (timeline.caughtUp ? undefined : 'still reading'));
  lifecycle.onStop('timeline', () => timeline.close());
  subscribeStatus(bus, log, (status) => {
    instances.add(status);
    live.status();
  });
  const context = new ConsoleContext({
    calls,
    instances,
    deadLetters: new DeadLetterStore(config),
    endpoints: new EndpointStore(config),
    bus,
    traceUrl: config.TRACE_URL_TEMPLATE,
    log,
  });
  const { port, close } = await serve(config, context, live, log);
  lifecycle.onStop('http', close);
  publishStatus(bus, lifecycle, {
    service: 'console',
    figures: () => ({ calls_kept: calls.size, pages_listening: live.listeners }),
  });
  log.info('console.listening', { host: config.CONSOLE_HOST, port });
  return port;
}
