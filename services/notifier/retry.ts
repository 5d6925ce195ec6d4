export interface RetryPolicy {
  /** Milliseconds to wait after the first, second, ... failed attempt. */
  readonly scheduleMs: readonly number[];
  /** Share of each wait by which it is made longer or shorter, 0 to 1. */
  readonly jitter: number;
}

export interface ThrottlePolicy {
  /** The first wait of an endpoint that does not say how long, in milliseconds; each further one is twice as long. */
  readonly firstMs: number;
  readonly maxMs: number;
  /** The longest Retry-After that is honoured, in milliseconds. */
  readonly retryAfterMaxMs: number;
  /** Share of each wait by which it may be longer, 0 to 1. */
  readonly jitter: number;
}

/** Milliseconds until a notification's next attempt, or undefined when the one just made was the last. */
export function retryDelayMs(policy: RetryPolicy, attemptsMade: number, random: number): number | undefined {
  const scheduled = policy.scheduleMs[attemptsMade - 1];
  return scheduled && Math.round(scheduled * (1 + policy.jitter * (2 * random - 1)));
}

/**
 * Milliseconds during which nothing is sent to an endpoint that was throttled `throttles` times in a row before. Jitter
 * only adds, so that nobody comes before the time asked for; and "again at once" is not taken literally.
 */
export function throttleMs(
  policy: ThrottlePolicy,
  throttles: number,
  askedMs: number | undefined,
  random: number,
): number {
  const { firstMs, maxMs, retryAfterMaxMs, jitter } = policy;
  const backoffMs = Math.min(firstMs * 2 ** throttles, maxMs);
  const waitMs = askedMs === undefined ? backoffMs : Math.max(firstMs, Math.min(askedMs, retryAfterMaxMs));
  return Math.round(waitMs * (1 + jitter * random));
}
