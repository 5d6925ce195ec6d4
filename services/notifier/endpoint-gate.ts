import type { Verdict } from '#libs/http/verdict.ts';
import type { EndpointRules, Endpoints, Permission } from '#libs/queue/endpoints.ts';
import type { Log } from '#libs/telemetry/log.ts';
import type { Attempt } from './attempt.ts';
import type { Clock } from './clock.ts';
import { type ThrottlePolicy, throttleMs } from './retry.ts';
import type { Slots } from './slots.ts';

export type Admission =
  | Extract<Permission, { readonly kind: 'send' | 'probe' | 'off' }>
  | { readonly kind: 'wait'; readonly ms: number };

/** Has a slot, which `leave` gives back. */
export type Admitted = Extract<Admission, { readonly kind: 'send' | 'probe' }>;

export interface GateOptions {
  readonly throttle: ThrottlePolicy;
  readonly rules: EndpointRules;
}

const LONGEST_SPREAD_MS = 30_000;

/**
 * Says whether a notification may be sent to an endpoint now, or when to ask again: a slot of this process must be
 * free for it, and the endpoint be neither throttled nor off, which all notifiers know from each other through Redis.
 * Being sent away is not an attempt.
 */
export class EndpointGate {
  readonly #endpoints: Endpoints;
  readonly #slots: Slots;
  readonly #options: GateOptions;
  readonly #clock: Clock;
  readonly #log: Log;

  constructor(endpoints: Endpoints, slots: Slots, options: GateOptions, clock: Clock, log: Log) {
    this.#endpoints = endpoints;
    this.#slots = slots;
    this.#options = options;
    this.#clock = clock;
    this.#log = log;
  }

  async enter(origin: string): Promise<Admission> {
    const { now, random } = this.#clock;
    const slotMs = this.#slots.enter(origin, now(), random());
    if (slotMs > 0) return { kind: 'wait', ms: slotMs };
    let admitted = false;
    try {
      const permission = await this.#endpoints.enter(origin, this.#options.rules);
      admitted = permission.kind === 'send' || permission.kind === 'probe';
      return permission.kind === 'wait' ? { kind: 'wait', ms: this.#waitMs(permission) } : permission;
    } finally {
      if (!admitted) this.#slots.leave(origin, undefined);
    }
  }

  async leave(origin: string, admission: Admitted, attempt: Attempt | undefined): Promise<void> {
    this.#slots.leave(origin, attempt?.tookMs);
    // A URL that may not be called says nothing of an endpoint.
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
    if (!(await this.#endpoints.failed(origin, failure, this.#options.rules))) return;
    this.#log.error('endpoint.disabled', {
      endpoint: origin,
      error: verdict.error,
      off_after_ms: this.#options.rules.offAfterMs,
    });
  }

  /** A probe that is not answered keeps the endpoint closed, as one answered with a reason to throttle does. */
  #throttleMs(admission: Admitted, verdict: Extract<Verdict, { kind: 'failed' }>): number | undefined {
    const { throttle } = this.#options;
    const probe = admission.kind === 'probe';
    if (verdict.throttle === undefined && (!probe || verdict.status !== undefined)) return undefined;
    const throttles = probe ? admission.throttles : 0;
    return throttleMs(throttle, throttles, verdict.throttle?.askedMs, this.#clock.random());
  }

  /** Spread out, so that not all who wait come at once when the time is over. */
  #waitMs({ ms, probing }: Extract<Permission, { readonly kind: 'wait' }>): number {
    const untilMs = probing ? Math.min(ms, this.#options.throttle.firstMs) : ms;
    return Math.ceil(untilMs + Math.min(untilMs, LONGEST_SPREAD_MS) * this.#clock.random()) || 1;
  }
}
