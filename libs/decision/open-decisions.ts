import type { TimelineRecorder } from '#libs/bus/timeline.ts';
import { variablePolicy } from '#libs/contract/refused-variables.ts';
import { EndpointClient } from '#libs/http/client.ts';
import { endpointOptions } from '#libs/http/settings.ts';
import type { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { originOf } from '#libs/net/url.ts';
import type { Log } from '#libs/telemetry/log.ts';
import { DecisionService } from './decision-service.ts';
import type { DecisionConfig } from './settings.ts';

const WARM_TIMEOUT_MS = 5_000;

/**
 * Opens the decision service of a process, and connections to WARM_ENDPOINTS. On stop it waits for its HTTP requests and
 * refuses further ones. Stop what requests decisions first, by registering that step afterwards.
 */
export function openDecisions(
  config: DecisionConfig,
  service: 'router' | 'agent',
  timeline: TimelineRecorder,
  lifecycle: Lifecycle,
  log: Log,
): DecisionService {
  const client = new EndpointClient({
    maxBodyBytes: config.MAX_BODY_BYTES,
    keepAliveMs: config.KEEP_ALIVE_MS,
    maxConnectionsPerOrigin: config.MAX_CONNECTIONS_PER_ORIGIN,
    maxIdleConnections: config.MAX_IDLE_CONNECTIONS,
    ...endpointOptions(config),
    userAgent: `dialhook-${service}`,
  });
  lifecycle.onStop('connections to endpoints', () => client.close());
  for (const url of config.WARM_ENDPOINTS)
    client
      .warm(url, WARM_TIMEOUT_MS)
      .catch((err: unknown) => log.warn('endpoint.warmup_failed', { err, endpoint: originOf(url) }));
  return new DecisionService(
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
}
