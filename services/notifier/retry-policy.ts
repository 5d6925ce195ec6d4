import { backoffMs } from '#libs/backoff/backoff.ts';

export interface RetryPolicy {
  /** Delays after the first, second, ... failed attempt, ms. */
  readonly scheduleMs: readonly number[];
  /** Random variation of each delay, as a share from 0 to 1, in both directions. */
  readonly jitter: number;
}

export interface ThrottlePolicy {
  /** Throttle time of an endpoint that sends no Retry-After, ms. Doubled for each further throttle. */
  readonly firstMs: number;
  readonly maxMs: number;
  /** Upper bound for Retry-After, ms. */
  readonly retryAfterMaxMs: number;
  /** Random addition to each throttle time, as a share from 0 to 1. */
  readonly jitter: number;
}

/** Milliseconds until the next attempt; undefined when the last attempt of the schedule was made. */
export function retryDelayMs(policy: RetryPolicy, attemptsMade: number, random: number): number | undefined {
  const scheduled = policy.scheduleMs[attemptsMade - 1];
  return scheduled && Math.round(scheduled * (1 + policy.jitter * (2 * random - 1)));
}

/**
 * Throttle time in ms of an endpoint that was throttled `throttles` times in a row before. Jitter only adds, because
 * the endpoint must not get a notification before its Retry-After. A Retry-After of 0 counts as `firstMs`.
 */
export function throttleMs(
  policy: ThrottlePolicy,
  throttles: number,
  afterMs: number | undefined,
  random: number,
): number {
  const { firstMs, maxMs, retryAfterMaxMs, jitter } = policy;
  const waitMs =
    afterMs === undefined
      ? backoffMs({ firstMs, maxMs }, throttles + 1)
      : Math.max(firstMs, Math.min(afterMs, retryAfterMaxMs));
  return Math.round(waitMs * (1 + jitter * random));
}
