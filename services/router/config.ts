import { z } from 'zod';
import { readConfig } from '#libs/config/config.ts';
import {
  allowedVariables,
  bytes,
  checkNatsSettings,
  commonSettings,
  count,
  list,
  milliseconds,
  port,
} from '#libs/config/settings.ts';
import { checkEndpointSettings, endpointSettings } from '#libs/http/settings.ts';

const MEBIBYTE = 1024 * 1024;
const MAX_ANSWERS_IN_MEMORY_BYTES = 4096 * MEBIBYTE;

/** The router's settings, by environment variable. */
export const RouterSettings = z
  .object({
    ...commonSettings,
    HEALTH_PORT: port()
      .default(9102)
      .describe('port on which /healthz, /readyz and /metrics are served; 0 picks a free one'),
    ENDPOINT_METHOD: z
      .enum(['POST', 'GET'], 'must be POST or GET')
      .default('POST')
      .describe('how endpoints are asked: POST with a JSON body, or GET with query parameters'),
    MAX_BODY_BYTES: bytes(1024, 16 * MEBIBYTE)
      .default(256 * 1024)
      .describe('largest answer of an endpoint; a larger one ends as body_too_large'),
    ALLOWED_VARIABLES: allowedVariables(),
    MAX_CALLS_IN_FLIGHT: count(1, 100_000)
      .default(2_000)
      .describe('calls whose endpoint is being asked at once; one more is answered with overloaded'),
    BREAKER_WINDOW: count(2, 10_000)
      .default(20)
      .describe('when half of this many last calls to an endpoint failed, it is given a rest (circuit_open)'),
    BREAKER_OPEN_MS: milliseconds(0, 600_000)
      .default(5_000)
      .describe('how long an endpoint rests before one call probes it again; 0 switches the breakers off'),
    MAX_CONNECTIONS_PER_ORIGIN: count(1, 100_000)
      .default(1_000)
      .describe('connections to one endpoint; a further call waits for one within its connect timeout'),
    MAX_IDLE_CONNECTIONS: count(0, 100_000)
      .default(1_000)
      .describe('idle connections kept, to all endpoints together; the one unused for longest is closed'),
    KEEP_ALIVE_MS: milliseconds(1, 600_000)
      .default(15_000)
      .describe('how long an idle connection is kept; less when the endpoint announces less'),
    WARM_ENDPOINTS: list()
      .refine((all) => all.every((one) => /^https?:\/\//.test(one) && URL.canParse(one)), 'must be URLs')
      .default([])
      .describe(
        'URLs of endpoints, separated by commas, to which a connection is opened at the start, so that the first call need not wait for DNS, TCP and TLS',
      ),
    ...endpointSettings,
  })
  .superRefine(checkNatsSettings)
  .superRefine(checkEndpointSettings)
  .refine(
    ({ MAX_CALLS_IN_FLIGHT, MAX_BODY_BYTES }) =>
      MAX_CALLS_IN_FLIGHT * MAX_BODY_BYTES <= MAX_ANSWERS_IN_MEMORY_BYTES,
    `MAX_CALLS_IN_FLIGHT times MAX_BODY_BYTES is more than ${MAX_ANSWERS_IN_MEMORY_BYTES / MEBIBYTE} MiB of answers at once: lower one of them and run more routers`,
  );
export type RouterConfig = z.output<typeof RouterSettings>;

/** @throws {ConfigError} */
export const readRouterConfig = (env: NodeJS.ProcessEnv): RouterConfig => readConfig(RouterSettings, env);
