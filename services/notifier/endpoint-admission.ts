import type { Verdict } from '#libs/http/verdict.ts';
import type { DisablePolicy, EndpointState, Permission } from '#libs/queue/endpoint-state.ts';
import type { Log } from '#libs/telemetry/log.ts';
import type { Attempt } from './attempt.ts';
import type { Clock } from './clock.ts';
import type { DeliveryLimiter } from './limiter.ts';
import { type ThrottlePolicy, throttleMs } from './retry-policy.ts';

export type Admission =
  | Extract<Permission, { readonly kind: 'send' | 'probe' | 'disabled' }>
  | { readonly kind: 'wait'; readonly ms: number };

/** A delivery that may start. It is in flight until `leave`. */
export type Admitted = Extract<Admission, { readonly kind: 'send' | 'probe' }>;

/** The admission of a delivery that has entered the limiter and whose endpoint is healthy. */
export const HEALTHY: Admitted = { kind: 'send', healthy: true };

export interface AdmissionPolicy {
  readonly throttle: ThrottlePolicy;
  readonly disable: DisablePolicy;
}

const LONGEST_SPREAD_MS = 30_000;

/**
 * Decides whether a notification may be sent to an endpoint now, or when to try again. The limiter of this process must
 * have capacity, and the endpoint must be neither throttled nor disabled; notifiers share that state in Redis. A
 * refusal does not count as an attempt.
 */
export class EndpointAdmission {
  readonly #endpoints: EndpointState;
  readonly #limiter: DeliveryLimiter;
  readonly #policy: AdmissionPolicy;
  readonly #clock: Clock;
  readonly #log: Log;

  constructor(
    endpoints: EndpointState,
    limiter: DeliveryLimiter,
    policy: AdmissionPolicy,
    clock: Clock,
    log: Log,
  ) {
    this.#endpoints = endpoints;
    this.#limiter = limiter;
    this.#policy = policy;
    this.#clock = clock;
    this.#log = log;
  }

  async enter(origin: string): Promise<Admission> {
    const { now, random } = this.#clock;
    const turnMs = this.#limiter.enterOrTurn(origin, now(), random());
    if (turnMs > 0) return { kind: 'wait', ms: turnMs };
    let admitted = false;
    try {
      const permission = await this.#endpoints.admit(origin, this.#policy.disable);
      admitted = permission.kind === 'send' || permission.kind === 'probe';
      return permission.kind === 'wait' ? { kind: 'wait', ms: this.#waitMs(permission) } : permission;
    } finally {
      if (!admitted) this.#limiter.leave(origin, undefined);
    }
  }

  async leave(origin: string, admission: Admitted, attempt: Attempt | undefined): Promise<void> {
    this.#limiter.leave(origin, attempt?.tookMs);
    // A refused URL says nothing about the state of the endpoint.
    if (!attempt || (attempt.verdict.kind === 'failed' && attempt.verdict.dead === 'refused_url')) return;
    const { verdict } = attempt;
    const probe = admission.kind === 'probe';
    if (verdict.kind === 'delivered') {
      if (admission.kind === 'send' && admission.healthy) return;
      if (await this.#endpoints.succeeded(origin, probe))
        this.#log.warn('endpoint.enabled', { endpoint: origin });
      return;
    }
    const failure = { probe, error: verdict.error, throttleMs: this.#throttleMs(admission, verdict) };
    if (!(await this.#endpoints.failed(origin, failure, this.#policy.disable))) return;
    this.#log.error('endpoint.disabled', {
      endpoint: origin,
      error: verdict.error,
      disable_after_ms: this.#policy.disable.disableAfterMs,
    });
  }

  /** A probe that got no answer throttles the endpoint like a 503. */
  #throttleMs(admission: Admitted, verdict: Extract<Verdict, { kind: 'failed' }>): number | undefined {
    const { throttle } = this.#policy;
    const probe = admission.kind === 'probe';
    if (verdict.throttle === undefined && (!probe || verdict.status !== undefined)) return undefined;
    const throttles = probe ? admission.throttles : 0;
    return throttleMs(throttle, throttles, verdict.throttle?.retryAfterMs, this.#clock.random());
  }

  /** Adds jitter, so that the waiting calls do not all retry at the same moment. */
  #waitMs({ ms, probing }: Extract<Permission, { readonly kind: 'wait' }>): number {
    const untilMs = probing ? Math.min(ms, this.#policy.throttle.firstMs) : ms;
    return Math.ceil(untilMs + Math.min(untilMs, LONGEST_SPREAD_MS) * this.#clock.random()) || 1;
  }
}
