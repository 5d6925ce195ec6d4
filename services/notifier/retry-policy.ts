import { backoffMs } from '#libs/backoff/backoff.ts';

export interface RetryPolicy {
  /** Milliseconds to wait after the first, second, ... failed attempt. */
  readonly scheduleMs: readonly number[];
  /** Share by which each wait is longer or shorter at random, 0 to 1. */
  readonly jitter: number;
}

export interface ThrottlePolicy {
  /** First wait of an endpoint that sends no Retry-After, ms; doubled each time. */
  readonly firstMs: number;
  readonly maxMs: number;
  /** Upper bound of an endpoint's Retry-After, ms. */
  readonly retryAfterMaxMs: number;
  /** Share by which each wait may be longer, 0 to 1. */
  readonly jitter: number;
}

/** Milliseconds until a notification's next attempt, or undefined when the one just made was the last. */
export function retryDelayMs(policy: RetryPolicy, attemptsMade: number, random: number): number | undefined {
  const scheduled = policy.scheduleMs[attemptsMade - 1];
  return scheduled && Math.round(scheduled * (1 + policy.jitter * (2 * random - 1)));
}

/**
 * For how long nothing is sent to an endpoint that was throttled `throttles` times in a row before, ms. Jitter only adds:
 * no notification comes before the time that the endpoint asked for. A Retry-After of 0 counts as `firstMs`.
 */
export function throttleMs(
  policy: ThrottlePolicy,
  throttles: number,
  askedMs: number | undefined,
  random: number,
): number {
  const { firstMs, maxMs, retryAfterMaxMs, jitter } = policy;
  const waitMs =
    askedMs === undefined
      ? backoffMs({ firstMs, maxMs }, throttles + 1)
      : Math.max(firstMs, Math.min(askedMs, retryAfterMaxMs));
  return Math.round(waitMs * (1 + jitter * random));
}
