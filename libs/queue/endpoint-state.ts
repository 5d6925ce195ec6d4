import { chunks } from '#libs/chunks/chunks.ts';
import { LruMap } from '#libs/lru/lru-map.ts';
import { MAX_TIME_MS } from './entry.ts';
import { endpointKey, knownEndpointsKey } from './keys.ts';
import { divided } from './member.ts';
import type { RedisClient } from './redis.ts';
import { type Script, script, withKeys } from './script.ts';

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

const STATES = ['failing', 'throttled', 'disabled'] as const;

/** A number in a field of Redis; undefined when the field is missing or corrupt. */
function numberIn(text: string | undefined, max: number): number | undefined {
  const value = Number(text);
  return value >= 0 && value <= max ? value : undefined;
}

function recordOf(origin: string, fields: Readonly<Record<string, string>>): EndpointRecord {
  const { state, by, disabled_since, failing_since, probe_from, failures, error = '' } = fields;
  const probeFrom = numberIn(probe_from, MAX_TIME_MS);
  return {
    origin,
    state: STATES.find((one) => one === state) ?? 'failing',
    ...(state === 'disabled' ? { by: by === 'operator' ? by : 'notifier' } : {}),
    since: numberIn(disabled_since ?? failing_since, MAX_TIME_MS) ?? 0,
    ...(probeFrom === undefined ? {} : { probeFrom }),
    failures: numberIn(failures, Number.MAX_SAFE_INTEGER) ?? 0,
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
    Record<'admit' | 'succeeded' | 'failed' | 'forget' | 'forgetExpired' | 'disable' | 'enable', Script>
  >;
  #healthChecks = new Map<string, Promise<boolean>>();
  readonly #lastHealthy = new LruMap<string, boolean>(MAX_KNOWN);

  constructor(redis: RedisClient, prefix: string) {
    this.#redis = redis;
    this.#prefix = prefix;
    this.#known = knownEndpointsKey(prefix);
    this.#scripts = {
      admit: script(redis, 'admit-endpoint'),
      succeeded: script(redis, 'endpoint-succeeded'),
      failed: script(redis, 'endpoint-failed'),
      forget: script(redis, 'forget-endpoint'),
      forgetExpired: script(redis, 'forget-expired-endpoints'),
      disable: script(redis, 'disable-endpoint'),
      enable: script(redis, 'enable-endpoint'),
    };
  }

  /** Whether the endpoint has no stored state. Calls within one turn of the event loop share one lookup. */
  isHealthy(origin: string): Promise<boolean> {
    let check = this.#healthChecks.get(origin);
    if (check === undefined) {
      check = this.#redis.exists(this.#key(origin)).then((exists) => {
        this.#lastHealthy.set(origin, exists === 0);
        return exists === 0;
      });
      this.#healthChecks.set(origin, check);
      if (this.#healthChecks.size === 1)
        setImmediate(() => {
          this.#healthChecks = new Map();
        });
    }
    return check;
  }

  /** The result of the last lookup of `isHealthy` in this process; false without one. */
  wasHealthy(origin: string): boolean {
    return this.#lastHealthy.get(origin) ?? false;
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
    const members = () => this.#redis.smembersBuffer(this.#known);
    const { texts: origins, foreign } = divided(await withKeys(this.#redis, [this.#known], members));
    const records: EndpointRecord[] = [];
    if (foreign.length > 0) await this.#redis.srem(this.#known, ...foreign);
    for (const some of chunks(origins.sort(), READ_AT_ONCE)) {
      const fields = await Promise.all(
        some.map((origin) => {
          const key = this.#key(origin);
          return withKeys(this.#redis, [key], () => this.#redis.hgetall(key));
        }),
      );
      const expired: string[] = [];
      for (const [index, origin] of some.entries()) {
        const known = fields[index] ?? {};
        if (Object.keys(known).length === 0) expired.push(origin);
        else records.push(recordOf(origin, known));
      }
      // A notifier or an operator may store the state of one of them meanwhile.
      const keys = expired.map((origin) => this.#key(origin));
      if (expired.length > 0) await this.#scripts.forgetExpired([this.#known, ...keys], expired);
    }
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
