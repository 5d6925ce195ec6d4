import {
  type CircuitBreakerPolicy,
  CircuitState,
  CountBreaker,
  circuitBreaker,
  handleWhenResult,
} from 'cockatiel';
import type { EndpointStatus } from '#libs/contract/status.ts';
import type { HttpAnswer } from '#libs/http/client.ts';
import { LruMap } from '#libs/lru/lru-map.ts';
import { originOf } from '#libs/net/url.ts';

export interface BreakerOptions {
  /** Last requests to an endpoint that count. */
  readonly window: number;
  /** Milliseconds that a circuit stays open before one request probes the endpoint; 0 disables the breakers. */
  readonly openMs: number;
}

const MAX_ORIGINS = 10_000;
/** Scheme, port and the longest name that DNS allows. A longer name never resolves, so it needs no breaker. */
const MAX_ORIGIN_LENGTH = 300;
const THRESHOLD = 0.5;
const ENDPOINT_FAULTS = new Set(['connect_timeout', 'connection_failed', 'tls_failed', 'response_timeout']);

/** Whether an answer counts as a failure of the endpoint. A caller hangup or an invalid decision does not. */
export const isFault = (answer: HttpAnswer): boolean =>
  answer.ok ? answer.status >= 500 : ENDPOINT_FAULTS.has(answer.result);

/** Whether the request ended before its answer, so that it says nothing about the endpoint. */
const isAborted = (answer: HttpAnswer): boolean => !answer.ok && answer.result === 'caller_gone';

const NOT_COUNTED = new Error('the request was aborted');

/**
 * One circuit breaker for each origin, so that calls do not wait for an endpoint that is failing:
 *
 *     closed -> open:      more than half of the last `window` requests failed, of at least half a window; aborted ones do
 *                          not count
 *     open -> half open:   `openMs` have passed; one request probes the endpoint, all others are still refused
 *     half open -> closed: the probe succeeded
 *     half open -> open:   the probe failed or was aborted
 *
 * The state is in memory, per router: a restart closes every circuit.
 */
export class Breakers {
  readonly #options: BreakerOptions;
  readonly #byOrigin = new LruMap<string, CircuitBreakerPolicy>(MAX_ORIGINS);

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  /** Number of origins with a breaker. */
  get size(): number {
    return this.#byOrigin.size;
  }

  /** Runs `request`, or returns undefined when the circuit of its origin is open. */
  async run(url: string, request: () => Promise<HttpAnswer>): Promise<HttpAnswer | undefined> {
    const origin = originOf(url);
    if (this.#options.openMs === 0 || origin.length > MAX_ORIGIN_LENGTH) return request();
    const breaker = this.#breakerOf(origin);
    if (breaker.state === CircuitState.HalfOpen) return undefined;
    let isStarted = false;
    let answer: HttpAnswer | undefined;
    await breaker
      .execute(async () => {
        isStarted = true;
        const isProbe = breaker.state === CircuitState.HalfOpen;
        answer = await request();
        if (isAborted(answer) && !isProbe) throw NOT_COUNTED;
        return answer;
      })
      .catch((error: unknown) => {
        if (isStarted && error !== NOT_COUNTED) throw error;
      });
    return answer;
  }

  state(origin: string): EndpointStatus['breaker'] {
    const state = this.#byOrigin.peek(origin)?.state;
    if (state === CircuitState.Open) return 'open';
    return state === CircuitState.HalfOpen ? 'half_open' : 'closed';
  }

  /** The state of each origin's breaker: 0 closed, 1 half open, 2 open. */
  *states(): Generator<readonly [origin: string, state: number]> {
    for (const [origin, { state }] of this.#byOrigin)
      yield [origin, state === CircuitState.Open ? 2 : state === CircuitState.HalfOpen ? 1 : 0];
  }

  #breakerOf(origin: string): CircuitBreakerPolicy {
    const known = this.#byOrigin.get(origin);
    if (known) return known;
    const { window, openMs } = this.#options;
    const faults = handleWhenResult(
      (answer) => isFault(answer as HttpAnswer) || isAborted(answer as HttpAnswer),
    );
    const fresh = circuitBreaker(faults, {
      breaker: new CountBreaker({
        size: window,
        threshold: THRESHOLD,
        minimumNumberOfCalls: Math.ceil(window / 2),
      }),
      halfOpenAfter: openMs,
    });
    this.#byOrigin.set(origin, fresh);
    return fresh;
  }
}
