import type { Redis } from 'ioredis';
import { DISABLE, ENTER, FAILED, SUCCEEDED } from './endpoint-scripts.ts';
import { defineScript, type Script } from './redis.ts';

/** Whether a notification may be sent to an endpoint now. */
export type Permission =
  /** `healthy`: nothing is known against it, so that a success need not be reported. */
  | { readonly kind: 'send'; readonly healthy: boolean }
  /** The one notification by which it is found out whether the endpoint can be used again; it must be reported. */
  | { readonly kind: 'probe'; readonly throttles: number }
  /** `probing`: the milliseconds are the longest that the probe on its way can take. */
  | { readonly kind: 'wait'; readonly ms: number; readonly probing: boolean }
  | { readonly kind: 'off' };

export interface Failure {
  readonly probe: boolean;
  readonly error: string;
  /** How long nothing more is to be sent, in milliseconds; undefined when the failure is no reason for that. */
  readonly throttleMs: number | undefined;
}

/** What is known against an endpoint. */
export interface EndpointRecord {
  readonly origin: string;
  readonly state: 'failing' | 'throttled' | 'off';
  /** Who switched it off. */
  readonly by?: 'notifier' | 'operator';
  /** When it was switched off, or since when every attempt has failed, epoch milliseconds. */
  readonly since: number;
  /** When it is tried again, epoch milliseconds; never without it. */
  readonly probeFrom?: number;
  readonly failures: number;
  readonly error: string;
}

export interface EndpointRules {
  /** The longest that an attempt can take, in milliseconds: then a probe without a report counts as lost. */
  readonly attemptMs: number;
  /** After how long without one success an endpoint is switched off, in milliseconds. */
  readonly offAfterMs: number;
  /** How long after the last failure failures are forgotten, in milliseconds. */
  readonly forgetMs: number;
}

/** Where an endpoint's record is; there is none while nothing is known against it. */
export const endpointKey = (prefix: string, origin: string): string => `${prefix}:endpoint:${origin}`;

function recordOf(origin: string, fields: Readonly<Record<string, string>>): EndpointRecord {
  const { state = 'failing', by, off_since, failing_since, probe_from, failures, error = '' } = fields;
  return {
    origin,
    state: state as EndpointRecord['state'],
    ...(state === 'off' ? { by: by as 'notifier' | 'operator' } : {}),
    since: Number(off_since ?? failing_since ?? 0),
    ...(probe_from === undefined ? {} : { probeFrom: Number(probe_from) }),
    failures: Number(failures ?? 0),
    error,
  };
}

/**
 * What all notifiers know against endpoints, an endpoint being an origin: scheme, host and port. Of one that works
 * nothing is kept.
 *
 * - **Throttled**: nothing is sent until its time, then one notification as a probe. A probe that succeeds, or fails in
 *   a way that is no reason to throttle, opens the endpoint for all; another failure throttles it for longer.
 * - **Off**: nothing is sent. An endpoint switched off by a notifier, because nothing has succeeded for days, still gets
 *   one notification an hour, and a success switches it on: an endpoint that comes back needs no operator. One that an
 *   operator has switched off stays off until an operator switches it on.
 *
 *     PREFIX:endpoints         set of the origins of which something is known
 *     PREFIX:endpoint:ORIGIN   hash: failing_since, failures, error; state (throttled, off), throttles, probe_from,
 *                              probing; by, off_since. Times are epoch ms by Redis's clock. Expires, unless off,
 *                              `forgetMs` after the last failure
 */
export class Endpoints {
  readonly #redis: Redis;
  readonly #prefix: string;
  readonly #enter: Script;
  readonly #succeeded: Script;
  readonly #failed: Script;
  readonly #switchOff: Script;

  constructor(redis: Redis, prefix: string) {
    this.#redis = redis;
    this.#prefix = prefix;
    this.#enter = defineScript(redis, 'dialhookEnterEndpoint', ENTER);
    this.#succeeded = defineScript(redis, 'dialhookEndpointSucceeded', SUCCEEDED);
    this.#failed = defineScript(redis, 'dialhookEndpointFailed', FAILED);
    this.#switchOff = defineScript(redis, 'dialhookSwitchOff', DISABLE);
  }

  async enter(origin: string, { attemptMs }: EndpointRules): Promise<Permission> {
    const [kind, number, probing] = (await this.#enter([this.#key(origin)], [attemptMs])) as [
      'healthy' | 'failing' | 'probe' | 'wait' | 'off',
      number,
      number,
    ];
    if (kind === 'probe') return { kind, throttles: number };
    if (kind === 'wait') return { kind, ms: number, probing: probing === 1 };
    return kind === 'off' ? { kind } : { kind: 'send', healthy: kind === 'healthy' };
  }

  /** @returns whether that has switched the endpoint on. */
  async succeeded(origin: string, probe: boolean): Promise<boolean> {
    return (await this.#succeeded(this.#keys(origin), [origin, probe ? 1 : 0])) === 1;
  }

  /** @returns whether that has switched the endpoint off. */
  async failed(origin: string, failure: Failure, { offAfterMs, forgetMs }: EndpointRules): Promise<boolean> {
    const { error, probe, throttleMs = '' } = failure;
    const args = [origin, error, probe ? 1 : 0, throttleMs, offAfterMs, forgetMs];
    return (await this.#failed(this.#keys(origin), args)) === 1;
  }

  async switchOff(origin: string): Promise<void> {
    await this.#switchOff(this.#keys(origin), [origin]);
  }

  /** Forgets all that is known against an endpoint. @returns whether it was off. */
  async switchOn(origin: string): Promise<boolean> {
    const was = await this.#redis.hget(this.#key(origin), 'state');
    await this.#redis.multi().del(this.#key(origin)).srem(`${this.#prefix}:endpoints`, origin).exec();
    return was === 'off';
  }

  /** All of which something is known, by name. */
  async list(): Promise<EndpointRecord[]> {
    const origins = (await this.#redis.smembers(`${this.#prefix}:endpoints`)).sort();
    const records = await Promise.all(origins.map((origin) => this.#redis.hgetall(this.#key(origin))));
    const known = origins.map((origin, i) => ({ origin, fields: records[i] ?? {} }));
    const expired = known.filter(({ fields }) => Object.keys(fields).length === 0);
    if (expired.length > 0)
      await this.#redis.srem(`${this.#prefix}:endpoints`, ...expired.map(({ origin }) => origin));
    return known
      .filter((one) => !expired.includes(one))
      .map(({ origin, fields }) => recordOf(origin, fields));
  }

  #key(origin: string): string {
    return endpointKey(this.#prefix, origin);
  }

  #keys(origin: string): readonly string[] {
    return [this.#key(origin), `${this.#prefix}:endpoints`];
  }
}
