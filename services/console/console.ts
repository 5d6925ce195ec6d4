import type { Bus } from '#libs/bus/connection.ts';
import { readMessage } from '#libs/bus/message.ts';
import { publishStatus } from '#libs/bus/status.ts';
import { TimelineFollower } from '#libs/bus/timeline-reader.ts';
import { BUS } from '#libs/contract/messages.ts';
import { ServiceStatus } from '#libs/contract/status.ts';
import { SetAside } from '#libs/isolation/set-aside.ts';
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
import { Overviews } from './statistics/overviews.ts';
import { Statistics } from './statistics/statistics.ts';
import { TimelineSearch } from './timeline-search.ts';

function subscribeStatus(
  bus: Bus,
  log: Log,
  aside: SetAside,
  onStatus: (status: ServiceStatus) => void,
): void {
  bus.nats.subscribe(BUS.status, {
    callback: (error, message) => {
      if (error) return log.error('nats.subscription_failed', { err: error });
      aside.run(
        'nats_message',
        () => ({ subject: BUS.status }),
        () => onStatus(readMessage(ServiceStatus, BUS.status, message.data)),
      );
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
  const aside = SetAside.open(lifecycle, log);
  const statistics = new Statistics();
  const calls = new Calls(config.CONSOLE_MAX_CALLS, {
    onChange: (record) => statistics.count(record),
    onDropLive: (record) => statistics.drop(record),
  });
  const instances = new Instances();
  const live = new Live();
  lifecycle.onStop('events', () => live.close());
  const timeline = new TimelineFollower(
    bus,
    log,
    aside,
    (step, order) => {
      const call = calls.add(step, order);
      if (call !== undefined && timeline.caughtUp) live.call(call);
    },
    () => {
      calls.clear();
      statistics.clear();
    },
  );
  lifecycle.check('timeline', () => (timeline.caughtUp ? undefined : 'still reading'));
  lifecycle.onStop('timeline', () => timeline.close());
  subscribeStatus(bus, log, aside, (status) => {
    instances.add(status);
    live.status();
  });
  const search = new TimelineSearch(bus, log);
  lifecycle.onStop('searches', () => search.close());
  const context = new ConsoleContext({
    calls,
    caughtUp: () => timeline.caughtUp,
    overviews: new Overviews(statistics, () => calls.records()),
    timeline: search,
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
