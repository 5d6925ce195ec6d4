import { z } from 'zod';

/** Interval at which each process publishes its status on NATS. A process is gone when three in a row are missing. */
export const STATUS_INTERVAL_MS = 5_000;

const EndpointStatus = z.strictObject({
  origin: z.string(),
  breaker: z.enum(['closed', 'open', 'half_open']),
  requests: z.number().int().nonnegative().describe('since the process started'),
  failures: z.number().int().nonnegative(),
  p50_ms: z.number().nonnegative().optional().describe('of the last hundred requests'),
  p99_ms: z.number().nonnegative().optional(),
  last_errors: z
    .array(
      z.strictObject({ time: z.iso.datetime(), result: z.string(), error: z.string(), uuid: z.string() }),
    )
    .max(5)
    .describe('newest first'),
});
export type EndpointStatus = z.output<typeof EndpointStatus>;

const LimitStatus = z.strictObject({
  limit: z.string().describe('gw:GATEWAY or id:NAME'),
  used: z.number().int().nonnegative().describe('calls at once, of all nodes'),
  recent: z.number().int().nonnegative().describe('new calls in the last second, of all nodes'),
  max: z.number().int().nonnegative().optional().describe('most calls at once'),
  rate: z.number().int().positive().optional().describe('most new calls per second'),
  refused: z.number().int().nonnegative().describe('places that this agent has refused since it started'),
});
export type LimitStatus = z.output<typeof LimitStatus>;

const GatewayStatus = z.strictObject({
  gateway: z.string(),
  failures: z.number().int().positive().describe('failures in a row'),
  rests_until: z.iso.datetime().optional().describe('its targets are tried last until then'),
});
export type GatewayStatus = z.output<typeof GatewayStatus>;

/** The status of one process, published on NATS and not stored. */
export const ServiceStatus = z.strictObject({
  v: z.literal(1),
  service: z.enum(['agent', 'router', 'notifier', 'console']),
  instance: z.string().describe('SERVICE@INSTANCE, unique for each process'),
  node: z.string().optional().describe('name of the FreeSWITCH node of an agent'),
  version: z.string(),
  time: z.iso.datetime(),
  started: z.iso.datetime(),
  ready: z.boolean(),
  checks: z.record(z.string(), z.string()).describe('checks of /readyz: ok or the problem, by name'),
  figures: z
    .record(z.string(), z.number())
    .describe('counts of this process, for example calls_in_flight, notifications_buffered'),
  endpoints: z.array(EndpointStatus).max(200).optional().describe('endpoints of a router, busiest first'),
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
