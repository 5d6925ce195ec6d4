import type { PlaceKey } from '#libs/bus/limit-stream.ts';
import type { LimitBounds } from '#libs/contract/call-limits.ts';

/** A place that a call wants. */
export interface Want extends PlaceKey {
  readonly bounds: LimitBounds;
}

/**
 * `taken`: the call counts, and is within the bounds. `max`, `rate`: a bound is reached. `unchecked`: JetStream has not
 * answered in time; the call counts as soon as it does.
 */
export type Verdict = 'taken' | 'max' | 'rate' | 'unchecked';
