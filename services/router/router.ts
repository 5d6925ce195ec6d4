import type { Bus } from '#libs/bus/connection.ts';
import { DecisionServer } from '#libs/bus/decisions.ts';
import { publishStatus } from '#libs/bus/status.ts';
import { openTimeline } from '#libs/bus/timeline.ts';
import { openDecisions } from '#libs/decision/open-decisions.ts';
import { SetAside } from '#libs/isolation/set-aside.ts';
import type { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import type { Log } from '#libs/telemetry/log.ts';
import { observe } from '#libs/telemetry/metrics.ts';
import type { RouterConfig } from './config.ts';

/** Starts a router on a NATS connection. On stop it leaves the queue group, finishes requests in flight, closes connections. */
export function startRouter(config: RouterConfig, bus: Bus, lifecycle: Lifecycle, log: Log): void {
  const timeline = openTimeline(bus, 'router', config, lifecycle);
  const service = openDecisions(config, 'router', timeline, lifecycle, log);
  observe('dialhook.calls.in_flight', () => [[service.inFlight, {}]]);
  const server = new DecisionServer(bus, log, SetAside.open(lifecycle, log), (request, parent, work) =>
    service.decide(request, parent, work),
  );
  lifecycle.onStop('decisions', () => server.stop());
  publishStatus(bus, lifecycle, {
    service: 'router',
    figures: () => ({
      calls_in_flight: service.inFlight,
      requests_expired: service.expired,
      timeline_dropped: timeline.dropped,
    }),
    endpoints: () => service.endpoints(),
  });
}
