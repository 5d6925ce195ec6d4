export interface RetryPolicy {
  /** Milliseconds to wait after the first, second, ... failed attempt. */
  readonly scheduleMs: readonly number[];
  /** Share of each wait by which it is made longer or shorter, 0 to 1. */
  readonly jitter: number;
  /** The longest Retry-After that is honoured, in milliseconds. */
  readonly retryAfterMaxMs: number;
}

/** A Retry-After header, in seconds or as a date, as milliseconds from now; undefined when it is neither. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1000;
  const date = /^\s*[A-Z][a-z]{2}/.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

/**
 * Milliseconds until the next attempt, or undefined when the one just made was the last.
 *
 * A Retry-After can only make the wait longer: an endpoint that says "in a second" each time would otherwise use up
 * all its attempts within seconds. Its jitter only adds, so that nobody comes before the time asked for.
 */
export function retryDelayMs(
  policy: RetryPolicy,
  attemptsMade: number,
  askedMs: number | undefined,
  random: number,
): number | undefined {
  const scheduled = policy.scheduleMs[attemptsMade - 1];
  if (scheduled === undefined) return undefined;
  const jittered = scheduled * (1 + policy.jitter * (2 * random - 1));
  const asked = Math.min(askedMs ?? 0, policy.retryAfterMaxMs) * (1 + policy.jitter * random);
  return Math.round(Math.max(jittered, asked));
}
