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

/** Counts as a delivery in flight until `leave`. */
export type Admitted = Extract<Admission, { readonly kind: 'send' | 'probe' }>;

/** Of a delivery that the limiter has let in and for whose endpoint nothing is known. */
export const HEALTHY: Admitted = { kind: 'send', healthy: true };

export interface AdmissionPolicy {
  readonly throttle: ThrottlePolicy;
  readonly disable: DisablePolicy;
}

const LONGEST_SPREAD_MS = 30_000;

/**
 * Decides whether a notification may be sent to an endpoint now, or when to try again: this process must have room for
 * it, and the endpoint must be neither throttled nor disabled, which notifiers share through Redis. Being sent away is
 * not an attempt.
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
    // A URL that may not be called says nothing about an endpoint.
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

  /** A probe without an answer throttles as a 503 does. */
  #throttleMs(admission: Admitted, verdict: Extract<Verdict, { kind: 'failed' }>): number | undefined {
    const { throttle } = this.#policy;
    const probe = admission.kind === 'probe';
    if (verdict.throttle === undefined && (!probe || verdict.status !== undefined)) return undefined;
    const throttles = probe ? admission.throttles : 0;
    return throttleMs(throttle, throttles, verdict.throttle?.retryAfterMs, this.#clock.random());
  }

  /** Spread out, so that the calls that wait do not come all at once when the time is over. */
  #waitMs({ ms, probing }: Extract<Permission, { readonly kind: 'wait' }>): number {
    const untilMs = probing ? Math.min(ms, this.#policy.throttle.firstMs) : ms;
    return Math.ceil(untilMs + Math.min(untilMs, LONGEST_SPREAD_MS) * this.#clock.random()) || 1;
  }
}
