import type { DecisionReply } from '#libs/contract/messages.ts';
import type { EndpointStatus } from '#libs/contract/status.ts';

const MAX_ORIGINS = 1_000;
const MAX_TOLD = 200;
const TIMES_KEPT = 100;
const ERRORS_KEPT = 5;
const MAX_WORDS_LENGTH = 300;

interface Figures {
  requests: number;
  failures: number;
  /** Milliseconds of the last requests, the oldest one at `next`. */
  readonly times: number[];
  next: number;
  errors: EndpointStatus['last_errors'];
}

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

/** How each endpoint has done, for those who look. Of more than 1,000 the one not asked for longest is forgotten. */
export class EndpointFigures {
  readonly #byOrigin = new Map<string, Figures>();

  /** One request has ended. A caller who gave up says nothing against the endpoint. */
  add(origin: string, reply: DecisionReply, ms: number, uuid: string, now: number): void {
    const known = this.#byOrigin.get(origin);
    const figures = known ?? { requests: 0, failures: 0, times: [], next: 0, errors: [] };
    this.#byOrigin.delete(origin);
    this.#byOrigin.set(origin, figures);
    const [oldest] = this.#byOrigin.keys();
    if (oldest !== undefined && this.#byOrigin.size > MAX_ORIGINS) this.#byOrigin.delete(oldest);

    figures.requests++;
    figures.times[figures.next] = ms;
    figures.next = (figures.next + 1) % TIMES_KEPT;
    if (reply.result === 'decided' || reply.result === 'caller_gone') return;
    figures.failures++;
    const { result } = reply;
    const error = reply.error.slice(0, MAX_WORDS_LENGTH);
    const time = new Date(now).toISOString();
    figures.errors = [{ time, result, error, uuid }, ...figures.errors].slice(0, ERRORS_KEPT);
  }

  /** The busiest endpoints. `breakerOf` says how an origin's breaker stands. */
  status(breakerOf: (origin: string) => EndpointStatus['breaker']): EndpointStatus[] {
    return [...this.#byOrigin]
      .toSorted(([, a], [, b]) => b.requests - a.requests)
      .slice(0, MAX_TOLD)
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
