import {
  type CircuitBreakerPolicy,
  CircuitState,
  CountBreaker,
  circuitBreaker,
  handleWhenResult,
} from 'cockatiel';
import type { EndpointStatus } from '#libs/contract/status.ts';
import type { HttpAnswer } from '#libs/http/client.ts';
import { originOf } from '#libs/net/url.ts';

export interface BreakerOptions {
  /** Of this many last calls to an endpoint half must fail before it gets a rest. */
  readonly window: number;
  /** Milliseconds of rest before one call probes it again; 0 switches the breakers off. */
  readonly restMs: number;
}

const MAX_ORIGINS = 10_000;
/** Scheme, port and the longest name that DNS has. What is longer is not looked up, let alone called. */
const MAX_ORIGIN_LENGTH = 300;
const THRESHOLD = 0.5;
const ENDPOINTS_FAULT = new Set(['connect_timeout', 'connection_failed', 'tls_failed', 'response_timeout']);

/** Whether an answer speaks against the endpoint. A caller who gave up does not; nor does a decision that is wrong. */
export const isFault = (answer: HttpAnswer): boolean =>
  answer.ok ? answer.status >= 500 : ENDPOINTS_FAULT.has(answer.result);

/**
 * A circuit breaker for each origin, so that not every call waits for an endpoint that fails. While one call probes an
 * endpoint, the others are still refused at once.
 */
export class Breakers {
  readonly #options: BreakerOptions;
  readonly #byOrigin = new Map<string, CircuitBreakerPolicy>();

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  /** How many origins are remembered. */
  get size(): number {
    return this.#byOrigin.size;
  }

  /** Makes the call, or returns undefined when its origin rests. */
  async call(url: string, work: () => Promise<HttpAnswer>): Promise<HttpAnswer | undefined> {
    const origin = originOf(url);
    if (this.#options.restMs === 0 || origin.length > MAX_ORIGIN_LENGTH) return work();
    const breaker = this.#of(origin);
    if (breaker.state === CircuitState.HalfOpen) return undefined;
    const made = { call: false };
    const answer = await breaker
      .execute(() => {
        made.call = true;
        return work();
      })
      .catch((error: unknown) => {
        if (made.call) throw error;
      });
    return answer as HttpAnswer | undefined;
  }

  state(origin: string): EndpointStatus['breaker'] {
    const state = this.#byOrigin.get(origin)?.state;
    if (state === CircuitState.Open) return 'open';
    return state === CircuitState.HalfOpen ? 'half_open' : 'closed';
  }

  /** Of each origin its state: 0 closed, 1 half open, 2 open. */
  *states(): Generator<readonly [origin: string, state: number]> {
    for (const [origin, { state }] of this.#byOrigin)
      yield [origin, state === CircuitState.Open ? 2 : state === CircuitState.HalfOpen ? 1 : 0];
  }

  #of(origin: string): CircuitBreakerPolicy {
    const known = this.#byOrigin.get(origin);
    if (known) {
      // The one unused for longest is the first to be forgotten: who makes up names forgets his own.
      this.#byOrigin.delete(origin);
      this.#byOrigin.set(origin, known);
      return known;
    }
    const { window, restMs } = this.#options;
    const faults = handleWhenResult((answer) => isFault(answer as HttpAnswer));
    const fresh = circuitBreaker(faults, {
      breaker: new CountBreaker({
        size: window,
        threshold: THRESHOLD,
        minimumNumberOfCalls: Math.ceil(window / 2),
      }),
      halfOpenAfter: restMs,
    });
    const [oldest] = this.#byOrigin.keys();
    if (oldest !== undefined && this.#byOrigin.size >= MAX_ORIGINS) this.#byOrigin.delete(oldest);
    this.#byOrigin.set(origin, fresh);
    return fresh;
  }
}
