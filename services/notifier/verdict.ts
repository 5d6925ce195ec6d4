import type { EndpointAnswer } from '#libs/http/client.ts';
import { retryAfterMs } from './retry.ts';

/** Why a notification is given up before its schedule is used up, or because it is. */
export type DeadReason = 'gone' | 'refused' | 'refused_url' | 'exhausted';

/** What an attempt at delivering came to. */
export type Verdict =
  | { readonly kind: 'delivered'; readonly status: number }
  | {
      readonly kind: 'failed';
      /** Set when another attempt cannot help. */
      readonly dead?: Exclude<DeadReason, 'exhausted'>;
      readonly result: string;
      readonly error: string;
      readonly status?: number;
      /** How long the endpoint asked to be left alone, in milliseconds. */
      readonly retryAfterMs?: number;
    };

const THROTTLED = new Set([429, 503]);
const REFUSED = new Set([400, 413, 414, 415, 422]);

function deadReason(status: number): 'gone' | 'refused' | undefined {
  if (status === 410) return 'gone';
  return REFUSED.has(status) ? 'refused' : undefined;
}

/**
 * Reads an endpoint's answer to a notification, as Standard Webhooks does with one exception.
 *
 * - 2xx is success, and nothing else is.
 * - 410 is "gone for good": a dead letter at once.
 * - 400, 413, 414, 415 and 422 speak of this very message, which would be the same the next time: a dead letter at
 *   once, so that it does not hold up the call's later ones for a day. Standard Webhooks would retry these.
 * - Every other status is retried: 5xx, 3xx (never followed), 408, 425, 429, and also 401, 403, 404 and 405, which is
 *   what an endpoint looks like that was deployed wrongly and will be put right. On 429 and 503 Retry-After counts.
 * - Timeouts and failed connections are retried; a URL that may not be called is a dead letter at once.
 */
export function verdictOf(answer: EndpointAnswer, nowMs: number): Verdict {
  if (!answer.ok) {
    const { result, error } = answer;
    return { kind: 'failed', result, error, ...(result === 'refused_url' ? { dead: result } : {}) };
  }
  const { status } = answer;
  if (status >= 200 && status < 300) return { kind: 'delivered', status };
  const dead = deadReason(status);
  const header = answer.headers['retry-after'];
  const asked = THROTTLED.has(status) ? retryAfterMs([header].flat()[0], nowMs) : undefined;
  return {
    kind: 'failed',
    result: 'http_status',
    error: `the endpoint answered with status ${status}`,
    status,
    ...(dead === undefined ? {} : { dead }),
    ...(asked === undefined ? {} : { retryAfterMs: asked }),
  };
}
