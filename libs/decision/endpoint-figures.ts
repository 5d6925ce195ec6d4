import type { DecisionReply } from '#libs/contract/messages.ts';
import type { EndpointStatus } from '#libs/contract/status.ts';
import { LruMap } from '#libs/lru/lru-map.ts';

const MAX_ORIGINS = 1_000;
const MAX_REPORTED = 200;
const TIMES_KEPT = 100;
const ERRORS_KEPT = 5;
const MAX_ERROR_LENGTH = 300;

interface Figures {
  requests: number;
  failures: number;
  /** Ring buffer of the durations of the last requests, in ms; `next` is the oldest. */
  readonly times: number[];
  next: number;
  errors: EndpointStatus['last_errors'];
}

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

/** Request counts, durations and last errors of each endpoint, for the status message. */
export class EndpointFigures {
  readonly #byOrigin = new LruMap<string, Figures>(MAX_ORIGINS);

  /** Records a finished request. A caller hangup is not a failure of the endpoint. `now` is in epoch milliseconds. */
  add(origin: string, reply: DecisionReply, ms: number, uuid: string, now: number): void {
    const known = this.#byOrigin.get(origin);
    const figures = known ?? { requests: 0, failures: 0, times: [], next: 0, errors: [] };
    if (!known) this.#byOrigin.set(origin, figures);
    figures.requests++;
    figures.times[figures.next] = ms;
    figures.next = (figures.next + 1) % TIMES_KEPT;
    if (reply.result === 'decided' || reply.result === 'caller_gone') return;
    figures.failures++;
    const { result } = reply;
    const error = reply.error.slice(0, MAX_ERROR_LENGTH);
    const time = new Date(now).toISOString();
    figures.errors = [{ time, result, error, uuid }, ...figures.errors].slice(0, ERRORS_KEPT);
  }

  /** The endpoints with the most requests, busiest first. */
  status(breakerOf: (origin: string) => EndpointStatus['breaker']): EndpointStatus[] {
    return [...this.#byOrigin]
      .toSorted(([, a], [, b]) => b.requests - a.requests)
      .slice(0, MAX_REPORTED)
      .map(([origin, { requests, failures, times, errors }]) => {
        const sorted = times.toSorted((a, b) => a - b);
        return {
          origin,
          breaker: breakerOf(origin),
          requests,
          failures,
          p50_ms: quantile(sorted, 0.5),
          p99_ms: quantile(sorted, 0.99),
          last_errors: errors,
        };
      });
  }
}
