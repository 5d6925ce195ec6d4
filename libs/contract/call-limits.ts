import { z } from 'zod';
import { Count } from './scalars.ts';
import { LimitId } from './text.ts';

/** Upper bounds of a limit: calls at once, and new calls per second. */
export const MAX_AT_ONCE = 1_000_000;
export const MAX_RATE = 100_000;
/** Named limits of one decision at most: each costs one message to JetStream. */
const MAX_LIMITS = 8;

const AT_ONCE = `must be whole calls at once from 0 to ${MAX_AT_ONCE}`;
const RATE = `must be whole calls per second from 1 to ${MAX_RATE}`;

const NamedLimit = z.strictObject({
  id: LimitId.describe('name of the limit. All calls of the cluster that name it are counted together'),
  max: z
    .int(AT_ONCE)
    .min(0, AT_ONCE)
    .max(MAX_AT_ONCE, AT_ONCE)
    .optional()
    .describe('calls at once, this one included. Default: that of LIMITS of the agent; the lower one holds'),
  rate: z
    .int(RATE)
    .min(1, RATE)
    .max(MAX_RATE, RATE)
    .optional()
    .describe(
      'new calls per second, this one included. Default: that of LIMITS of the agent; the lower one holds',
    ),
});

/** Settings of a decision for the limits that its call counts towards. */
export const limitFields = {
  limit: z
    .array(NamedLimit)
    .max(MAX_LIMITS, `must name at most ${MAX_LIMITS} limits`)
    .refine((all) => new Set(all.map(({ id }) => id)).size === all.length, 'must name each id once')
    .optional()
    .describe(
      'limits on calls at once and per second, counted over the whole cluster by name. When one is reached, no target is dialled: the caller gets NORMAL_CIRCUIT_CONGESTION (SIP 503), or another request follows with on_fail',
    ),
};

/** The identity of a limit: `gw:NAME` of a gateway, `id:NAME` of a named limit. */
export type LimitKey = `gw:${string}` | `id:${string}`;

/** The most that a limit allows. Without a number there is no limit of that kind. */
export interface LimitBounds {
  /** Calls at once. */
  readonly max?: number | undefined;
  /** New calls per second. */
  readonly rate?: number | undefined;
}

/**
 * State of a place, as an agent publishes it for all agents. Its subject says which limit, node and call.
 */
export const PlaceMessage = z.discriminatedUnion('state', [
  z.strictObject({
    v: z.literal(1),
    state: z.literal('taken'),
    max: Count.optional(),
    rate: z.number().int().positive().optional(),
  }),
  z.strictObject({
    v: z.literal(1),
    state: z.literal('freed'),
    /** The call was refused or has not used the place: it does not count as one of the calls per second. */
    unused: z.boolean().optional(),
  }),
]);
export type PlaceMessage = z.output<typeof PlaceMessage>;
