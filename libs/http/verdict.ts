import type { HttpAnswer } from './client.ts';

/** What an attempt at delivering came to. */
export type Verdict =
  | { readonly kind: 'delivered'; readonly status: number }
  | {
      readonly kind: 'failed';
      /** Set when another attempt cannot help. */
      readonly dead?: 'gone' | 'refused' | 'refused_url';
      readonly result: string;
      readonly error: string;
      readonly status?: number;
      /** Set when the endpoint wants to be left alone: for so many milliseconds, or it does not say how long. */
      readonly throttle?: { readonly askedMs: number | undefined };
    };

const THROTTLES = new Set([429, 502, 503, 504]);
const REFUSED = new Set([400, 413, 414, 415, 422]);

function deadReason(status: number): 'gone' | 'refused' | undefined {
  if (status === 410) return 'gone';
  return REFUSED.has(status) ? 'refused' : undefined;
}

/** A Retry-After header, in seconds or as a date, as milliseconds from now; undefined when it is neither. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1000;
  const date = /^\s*[A-Z][a-z]{2}/.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

/**
 * Reads an endpoint's answer to a notification, as Standard Webhooks does with one exception.
 *
 * - 2xx is success, and nothing else is.
 * - 410 is "gone for good": a dead letter at once.
 * - 400, 413, 414, 415 and 422 speak of this very message, which would be the same the next time: a dead letter at
 *   once, so that it does not hold up the call's later ones for a day. Standard Webhooks would retry these.
 * - Every other status is retried: 5xx, 3xx (never followed), 408, 425, 429, and also 401, 403, 404 and 405, which is
 *   what an endpoint looks like that was deployed wrongly and will be put right.
 * - 429, 502, 503 and 504 speak of the whole endpoint, with or without Retry-After: it is left alone for a while.
 * - Timeouts and failed connections are retried; a URL that may not be called is a dead letter at once.
 */
export function verdictOf(answer: HttpAnswer, nowMs: number): Verdict {
  if (!answer.ok) {
    const { result, error } = answer;
    return { kind: 'failed', result, error, ...(result === 'refused_url' ? { dead: result } : {}) };
  }
  const { status } = answer;
  if (status >= 200 && status < 300) return { kind: 'delivered', status };
  const dead = deadReason(status);
  const askedMs = retryAfterMs([answer.headers['retry-after']].flat()[0], nowMs);
  return {
    kind: 'failed',
    result: 'http_status',
    error: `the endpoint answered with status ${status}`,
    status,
    ...(dead === undefined ? {} : { dead }),
    ...(THROTTLES.has(status) ? { throttle: { askedMs } } : {}),
  };
}
