import { z } from 'zod';

/**
 * What each process says of itself every few seconds, for those who look. Published and forgotten: who is not heard of
 * for three intervals is gone.
 */
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
    .describe('the newest first'),
});
export type EndpointStatus = z.output<typeof EndpointStatus>;

export const ServiceStatus = z.strictObject({
  v: z.literal(1),
  service: z.enum(['agent', 'router', 'notifier', 'console']),
  instance: z.string().describe('SERVICE@INSTANCE, one process among all'),
  node: z.string().optional().describe("an agent's FreeSWITCH node"),
  version: z.string(),
  time: z.iso.datetime(),
  started: z.iso.datetime(),
  ready: z.boolean(),
  checks: z.record(z.string(), z.string()).describe('as /readyz gives them'),
  figures: z
    .record(z.string(), z.number())
    .describe('counts of this process, for example calls_in_flight, notifications_buffered'),
  endpoints: z.array(EndpointStatus).max(200).optional().describe("a router's endpoints, the busiest first"),
});
export type ServiceStatus = z.output<typeof ServiceStatus>;
