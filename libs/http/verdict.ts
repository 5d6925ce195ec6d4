import type { HttpAnswer } from './client.ts';

/** The outcome of one delivery attempt. */
export type Verdict =
  | { readonly kind: 'delivered'; readonly status: number }
  | {
      readonly kind: 'failed';
      /** Set when a retry cannot succeed. */
      readonly dead?: 'gone' | 'refused' | 'refused_url';
      readonly result: string;
      readonly error: string;
      readonly status?: number;
      /** Set when the endpoint is overloaded. `retryAfterMs` is from its Retry-After header, if any. */
      readonly throttle?: { readonly retryAfterMs: number | undefined };
    };

const THROTTLES = new Set([429, 502, 503, 504]);
const REFUSED = new Set([400, 413, 414, 415, 422]);

function deadReason(status: number): 'gone' | 'refused' | undefined {
  if (status === 410) return 'gone';
  return REFUSED.has(status) ? 'refused' : undefined;
}

/** Milliseconds from `nowMs` of a Retry-After header, which holds seconds or a date; undefined when it is invalid. */
export function parseRetryAfter(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1000;
  const date = /^\s*[A-Z][a-z]{2}/.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

/**
 * Classifies an endpoint's answer to a notification, as Standard Webhooks does with one exception.
 *
 * - 2xx: delivered.
 * - 410: dead letter at once; the endpoint is gone.
 * - 400, 413, 414, 415 and 422: dead letter at once, because the same message would be refused again and would block the
 *   later notifications of its call for a day. Standard Webhooks retries these.
 * - Every other status is retried: 5xx, 3xx (never followed), 408, 425, 429, and also 401, 403, 404 and 405, which a
 *   faulty deployment of the endpoint can cause.
 * - 429, 502, 503 and 504: in addition the endpoint is throttled, with or without Retry-After.
 * - Timeouts and failed connections are retried; a refused URL is a dead letter at once.
 */
export function verdictOf(answer: HttpAnswer, nowMs: number): Verdict {
  if (!answer.ok) {
    const { result, error } = answer;
    return { kind: 'failed', result, error, ...(result === 'refused_url' ? { dead: result } : {}) };
  }
  const { status } = answer;
  if (status >= 200 && status < 300) return { kind: 'delivered', status };
  const dead = deadReason(status);
  const retryAfterMs = parseRetryAfter([answer.headers['retry-after']].flat()[0], nowMs);
  return {
    kind: 'failed',
    result: 'http_status',
    error: `the endpoint answered with status ${status}`,
    status,
    ...(dead === undefined ? {} : { dead }),
    ...(THROTTLES.has(status) ? { throttle: { retryAfterMs } } : {}),
  };
}
