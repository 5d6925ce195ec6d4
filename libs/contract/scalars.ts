import { z } from 'zod';

/** Values that the schemas of this folder share. */

/** ISO 8601, UTC. */
export const Time = z.iso.datetime();
/** A duration, measured with fractions. */
export const Milliseconds = z.number().nonnegative();
/** A duration in whole milliseconds, as FreeSWITCH reports it. */
export const WholeMilliseconds = z.number().int().nonnegative();
export const Count = z.number().int().nonnegative();
