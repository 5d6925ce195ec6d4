import { z } from 'zod';
import { Count, Milliseconds, Time } from './scalars.ts';

/** Interval at which each process publishes its status on NATS. A process is gone when three in a row are missing. */
export const STATUS_INTERVAL_MS = 5_000;

const EndpointStatus = z.strictObject({
  origin: z.string(),
  breaker: z.enum(['closed', 'open', 'half_open']),
  requests: Count.describe('since the process started'),
  failures: Count,
  p50_ms: Milliseconds.optional().describe('of the last hundred requests'),
  p99_ms: Milliseconds.optional(),
  last_errors: z
    .array(z.strictObject({ time: Time, result: z.string(), error: z.string(), uuid: z.string() }))
    .max(5)
    .describe('newest first'),
});
export type EndpointStatus = z.output<typeof EndpointStatus>;

const LimitStatus = z.strictObject({
  limit: z.string().describe('gw:GATEWAY or id:NAME'),
  used: Count.describe('calls at once, of all nodes'),
  recent: Count.describe('new calls in the last second, of all nodes'),
  max: Count.optional().describe('most calls at once'),
  rate: z.number().int().positive().optional().describe('most new calls per second'),
  refused: Count.describe('places that this agent has refused since it started'),
});
export type LimitStatus = z.output<typeof LimitStatus>;

const GatewayStatus = z.strictObject({
  gateway: z.string(),
  failures: z.number().int().positive().describe('failures in a row'),
  rests_until: Time.optional().describe('its targets are tried last until then'),
});
export type GatewayStatus = z.output<typeof GatewayStatus>;

/** The status of one process, published on NATS and not stored. */
export const ServiceStatus = z.strictObject({
  v: z.literal(1),
  service: z.enum(['agent', 'router', 'notifier', 'console']),
  instance: z.string().describe('SERVICE@INSTANCE, unique for each process'),
  node: z.string().optional().describe('name of the FreeSWITCH node of an agent'),
  version: z.string(),
  time: Time,
  started: Time,
  ready: z.boolean(),
  checks: z.record(z.string(), z.string()).describe('checks of /readyz: ok or the problem, by name'),
  figures: z
    .record(z.string(), z.number())
    .describe('counts of this process, for example calls_in_flight, notifications_buffered'),
  endpoints: z
    .array(EndpointStatus)
    .max(200)
    .optional()
    .describe('endpoints of a router, or of an agent with EMBEDDED_ROUTER; busiest first'),
  limits: z
    .array(LimitStatus)
    .max(200)
    .optional()
    .describe('limits that an agent counts, most used first; missing without any'),
  gateways: z
    .array(GatewayStatus)
    .max(200)
    .optional()
    .describe('gateways that have failed last on the node of an agent; missing without any'),
});
export type ServiceStatus = z.output<typeof ServiceStatus>;
