import { z } from 'zod';
import { allowedVariables, bytes, count, list, milliseconds } from '#libs/config/settings.ts';
import { checkEndpointSettings, endpointSettings } from '#libs/http/settings.ts';
import { originOf, parseHttpUrl } from '#libs/net/url.ts';

/** An http or https URL without userinfo, path and query. */
function isOrigin(text: string): boolean {
  const url = parseHttpUrl(text);
  return url !== null && [url.origin, `${url.origin}/`].includes(url.href) && !/[?#]/.test(text);
}

const MEBIBYTE = 1024 * 1024;
const MAX_ANSWERS_IN_MEMORY_BYTES = 4096 * MEBIBYTE;

/** The settings of a service that requests decisions from endpoints. */
export const decisionSettings = {
  ENDPOINT_METHOD: z
    .enum(['POST', 'GET'], 'must be POST or GET')
    .default('POST')
    .describe('HTTP method of requests to endpoints: POST with a JSON body, or GET with query parameters'),
  MAX_BODY_BYTES: bytes(1024, 16 * MEBIBYTE)
    .default(256 * 1024)
    .describe('largest answer of an endpoint; the result of a larger one is body_too_large'),
  ALLOWED_VARIABLES: allowedVariables(),
  MAX_CALLS_IN_FLIGHT: count(1, 100_000)
    .default(2_000)
    .describe('requests to endpoints in flight at once; the result of further ones is overloaded'),
  BREAKER_WINDOW: count(2, 10_000)
    .default(20)
    .describe(
      'number of last requests to an endpoint that its circuit breaker counts; when more than half of them have failed, the circuit opens and the result is circuit_open. It can open as soon as there were half so many',
    ),
  BREAKER_OPEN_MS: milliseconds(0, 600_000)
    .default(5_000)
    .describe(
      'time that a circuit stays open before one request probes the endpoint; 0 disables circuit breakers',
    ),
  MAX_CONNECTIONS_PER_ORIGIN: count(1, 100_000)
    .default(1_000)
    .describe(
      'connections to one endpoint; further requests wait for a free one, within their connect timeout',
    ),
  MAX_IDLE_CONNECTIONS: count(0, 100_000)
    .default(1_000)
    .describe('idle connections to all endpoints together; beyond it the least recently used one is closed'),
  KEEP_ALIVE_MS: milliseconds(1, 600_000)
    .default(15_000)
    .describe('time after which an idle connection is closed; less when the endpoint announces less'),
  WARM_ENDPOINTS: list()
    .refine(
      (all) => all.every((one) => /^https?:\/\//.test(one) && URL.canParse(one)),
      'must be http or https URLs',
    )
    .default([])
    .describe(
      'URLs of endpoints, separated by commas, to which a connection is opened at startup, so that the first call does not wait for DNS, TCP and TLS',
    ),
  DECISION_CACHE_ENDPOINTS: list()
    .refine(
      (all) => all.every((one) => one === '*' || isOrigin(one)),
      'must be origins such as https://crm.example or http://10.0.0.5:8080, without a path, or *',
    )
    .transform((all) => all.map((one) => (one === '*' ? one : originOf(one))))
    .default([])
    .describe(
      'origins of endpoints, separated by commas, whose Cache-Control and Dialhook-Vary the router obeys: it then uses their decisions for several calls; * for every endpoint; none by default',
    ),
  DECISION_CACHE_SIZE: count(1, 1_000_000)
    .default(10_000)
    .describe(
      'decisions in the cache; the least recently used one is evicted. Each takes about 1 KB of memory, at most 32 KB',
    ),
  DECISION_CACHE_MAX_AGE_MS: milliseconds(1_000, 604_800_000)
    .default(3_600_000)
    .describe('age after which a cached decision is never used, whatever max-age and stale-if-error say'),
  ...endpointSettings,
};

export type DecisionConfig = z.output<z.ZodObject<typeof decisionSettings>>;

/** For `superRefine`: reports settings that contradict each other. */
export function checkDecisionSettings(config: DecisionConfig, context: z.RefinementCtx): void {
  checkEndpointSettings(config, context);
  if (config.MAX_CALLS_IN_FLIGHT * config.MAX_BODY_BYTES > MAX_ANSWERS_IN_MEMORY_BYTES)
    context.addIssue({
      code: 'custom',
      message: `MAX_CALLS_IN_FLIGHT times MAX_BODY_BYTES must not exceed ${MAX_ANSWERS_IN_MEMORY_BYTES / MEBIBYTE} MiB: lower one of them and run more routers`,
    });
}

/** These settings alone, for an agent that requests decisions itself. */
export const DecisionSettings = z.object(decisionSettings).superRefine(checkDecisionSettings);
