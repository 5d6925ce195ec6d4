import type { Bus } from '#libs/bus/connection.ts';
import { DecisionServer } from '#libs/bus/decisions.ts';
import { publishStatus } from '#libs/bus/status.ts';
import { openTimeline } from '#libs/bus/timeline.ts';
import { variablePolicy } from '#libs/contract/refused-variables.ts';
import { DecisionService } from '#libs/decision/decision-service.ts';
import { EndpointClient } from '#libs/http/client.ts';
import { endpointOptions } from '#libs/http/settings.ts';
import { SetAside } from '#libs/isolation/set-aside.ts';
import type { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { originOf } from '#libs/net/url.ts';
import type { Log } from '#libs/telemetry/log.ts';
import type { RouterConfig } from './config.ts';

const WARM_TIMEOUT_MS = 5_000;

/** Starts a router on a NATS connection. On stop it leaves the queue group, finishes requests in flight, closes connections. */
export function startRouter(config: RouterConfig, bus: Bus, lifecycle: Lifecycle, log: Log): void {
  const timeline = openTimeline(bus, 'router', config, lifecycle);
  const client = new EndpointClient({
    maxBodyBytes: config.MAX_BODY_BYTES,
    keepAliveMs: config.KEEP_ALIVE_MS,
    maxConnectionsPerOrigin: config.MAX_CONNECTIONS_PER_ORIGIN,
    maxIdleConnections: config.MAX_IDLE_CONNECTIONS,
    ...endpointOptions(config),
    userAgent: 'dialhook-router',
  });
  lifecycle.onStop('connections to endpoints', () => client.close());
  for (const url of config.WARM_ENDPOINTS)
    client
      .warm(url, WARM_TIMEOUT_MS)
      .catch((err: unknown) => log.warn('endpoint.warmup_failed', { err, endpoint: originOf(url) }));
  const service = new DecisionService(
    client,
    {
      method: config.ENDPOINT_METHOD,
      maxCallsInFlight: config.MAX_CALLS_IN_FLIGHT,
      variablePolicy: variablePolicy(config.ALLOWED_VARIABLES),
      breaker: { window: config.BREAKER_WINDOW, openMs: config.BREAKER_OPEN_MS },
      cache: {
        origins: config.DECISION_CACHE_ENDPOINTS,
        size: config.DECISION_CACHE_SIZE,
        maxAgeMs: config.DECISION_CACHE_MAX_AGE_MS,
      },
    },
    log,
    timeline,
  );
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
