import { endpointKey, knownEndpointsKey } from './keys.ts';
import type { RedisClient } from './redis.ts';
import { type Script, script } from './script.ts';

/** Whether a notification may be sent to an endpoint now. */
export type Permission =
  /** `healthy`: the endpoint has no failures, so a success need not be recorded. */
  | { readonly kind: 'send'; readonly healthy: boolean }
  /** This notification is the probe of a throttled or disabled endpoint. Its outcome must be recorded. */
  | { readonly kind: 'probe'; readonly throttles: number }
  /** `probing`: a probe is in flight and takes at most `ms`. */
  | { readonly kind: 'wait'; readonly ms: number; readonly probing: boolean }
  | { readonly kind: 'disabled' };

export interface EndpointFailure {
  readonly probe: boolean;
  readonly error: string;
  /** Throttle time of the endpoint, ms; undefined when the failure concerns this notification only. */
  readonly throttleMs: number | undefined;
}

/** The state of an endpoint that is not healthy. */
export interface EndpointRecord {
  readonly origin: string;
  readonly state: 'failing' | 'throttled' | 'disabled';
  /** Who disabled it. */
  readonly by?: 'notifier' | 'operator';
  /** When it was disabled, or when its attempts began to fail, epoch ms. */
  readonly since: number;
  /** Time of the next probe, epoch ms; absent without one. */
  readonly probeFrom?: number;
  readonly failures: number;
  readonly error: string;
}

export interface DisablePolicy {
  /** Maximum duration of an attempt, ms. After it a probe without an outcome counts as lost. */
  readonly attemptMs: number;
  /** Time without a success after which an endpoint is disabled, ms. */
  readonly disableAfterMs: number;
  /** Time after the last failure after which failures are forgotten, ms. */
  readonly forgetMs: number;
}

const DISABLED_PROBE_MS = 60 * 60 * 1000;
/** Maximum number of endpoints with stored state. Hostile callers could choose any number of URLs. */
const MAX_KNOWN = 10_000;
const READ_AT_ONCE = 500;

function recordOf(origin: string, fields: Readonly<Record<string, string>>): EndpointRecord {
  const { state = 'failing', by, disabled_since, failing_since, probe_from, failures, error = '' } = fields;
  return {
    origin,
    state: state as EndpointRecord['state'],
    ...(state === 'disabled' ? { by: by as 'notifier' | 'operator' } : {}),
    since: Number(disabled_since ?? failing_since ?? 0),
    ...(probe_from === undefined ? {} : { probeFrom: Number(probe_from) }),
    failures: Number(failures ?? 0),
    error,
  };
}

/**
 * The state of endpoints, shared by all notifiers. An endpoint is an origin: scheme, host and port. A healthy endpoint
 * has no stored state.
 *
 *     healthy   -> failing     an attempt failed for a reason that concerns the notification only
 *     healthy   -> throttled   429, 502, 503 or 504: no deliveries for a time, then one probe
 *     throttled -> throttled   the probe failed in the same way: throttled for longer
 *     throttled -> healthy     the probe succeeded
 *     throttled -> failing     the probe failed in another way
 *     any       -> disabled    no success for `disableAfterMs`, or disabled by an operator: no deliveries
 *     disabled  -> healthy     the hourly probe succeeded, or enabled by an operator. An endpoint that an operator has
 *                              disabled is not probed
 *
 * The hash of an endpoint has the fields failing_since, failures, error; state (throttled, disabled), throttles,
 * probe_from, probing; by, disabled_since. Times are epoch ms by Redis's clock. It expires `forgetMs` after the last
 * failure unless it is disabled.
 */
export class EndpointState {
  readonly #redis: RedisClient;
  readonly #prefix: string;
  readonly #known: string;
  readonly #scripts: Readonly<
    Record<'admit' | 'succeeded' | 'failed' | 'forget' | 'disable' | 'enable', Script>
  >;
  #healthChecks = new Map<string, Promise<boolean>>();

  constructor(redis: RedisClient, prefix: string) {
    this.#redis = redis;
    this.#prefix = prefix;
    this.#known = knownEndpointsKey(prefix);
    this.#scripts = {
      admit: script(redis, 'admit-endpoint'),
      succeeded: script(redis, 'endpoint-succeeded'),
      failed: script(redis, 'endpoint-failed'),
      forget: script(redis, 'forget-endpoint'),
      disable: script(redis, 'disable-endpoint'),
      enable: script(redis, 'enable-endpoint'),
    };
  }

  /** Whether the endpoint has no stored state. Calls within one turn of the event loop share one lookup. */
  isHealthy(origin: string): Promise<boolean> {
    let check = this.#healthChecks.get(origin);
    if (check === undefined) {
      check = this.#redis.exists(this.#key(origin)).then((exists) => exists === 0);
      this.#healthChecks.set(origin, check);
      if (this.#healthChecks.size === 1)
        setImmediate(() => {
          this.#healthChecks = new Map();
        });
    }
    return check;
  }

  async admit(origin: string, { attemptMs }: DisablePolicy): Promise<Permission> {
    const [kind, number, probing] = (await this.#scripts.admit(
      [this.#key(origin)],
      [attemptMs, DISABLED_PROBE_MS],
    )) as ['healthy' | 'failing' | 'probe' | 'wait' | 'disabled', number, number];
    if (kind === 'probe') return { kind, throttles: number };
    if (kind === 'wait') return { kind, ms: number, probing: probing === 1 };
    return kind === 'disabled' ? { kind } : { kind: 'send', healthy: kind === 'healthy' };
  }

  /** @returns whether this enabled the endpoint. */
  async succeeded(origin: string, probe: boolean): Promise<boolean> {
    return (await this.#scripts.succeeded(this.#keys(origin), [origin, probe ? 1 : 0])) === 1;
  }

  /** @returns whether this disabled the endpoint. */
  async failed(origin: string, failure: EndpointFailure, policy: DisablePolicy): Promise<boolean> {
    const { error, probe, throttleMs = '' } = failure;
    const { disableAfterMs, forgetMs } = policy;
    const args = [origin, error, probe ? 1 : 0, throttleMs, disableAfterMs, forgetMs];
    const record = () => this.#scripts.failed(this.#keys(origin), [...args, MAX_KNOWN, DISABLED_PROBE_MS]);
    const result = await record();
    // At the maximum, the state of a random endpoint that is not disabled is dropped. If there is none, the failure is
    // not recorded.
    return (result === 'full' && (await this.#forgetSome()) ? await record() : result) === 'disabled';
  }

  async disable(origin: string): Promise<void> {
    await this.#scripts.disable(this.#keys(origin), [origin]);
  }

  /** Deletes the stored state of an endpoint. @returns whether it was disabled. */
  async enable(origin: string): Promise<boolean> {
    return (await this.#scripts.enable(this.#keys(origin), [origin])) === 1;
  }

  /** All endpoints with stored state, ordered by origin. */
  async list(): Promise<EndpointRecord[]> {
    const origins = (await this.#redis.smembers(this.#known)).sort();
    const records: EndpointRecord[] = [];
    const expired: string[] = [];
    for (let i = 0; i < origins.length; i += READ_AT_ONCE) {
      const some = origins.slice(i, i + READ_AT_ONCE);
      const fields = await Promise.all(some.map((origin) => this.#redis.hgetall(this.#key(origin))));
      for (const [index, origin] of some.entries()) {
        const known = fields[index] ?? {};
        if (Object.keys(known).length === 0) expired.push(origin);
        else records.push(recordOf(origin, known));
      }
    }
    if (expired.length > 0) await this.#redis.srem(this.#known, ...expired);
    return records;
  }

  async #forgetSome(): Promise<boolean> {
    const origin = await this.#redis.srandmember(this.#known);
    return origin !== null && (await this.#scripts.forget(this.#keys(origin), [origin])) === 1;
  }

  #key(origin: string): string {
    return endpointKey(this.#prefix, origin);
  }

  #keys(origin: string): readonly string[] {
    return [this.#key(origin), this.#known];
  }
}
