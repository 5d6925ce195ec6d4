import type { DecisionRequest } from '#libs/contract/messages.ts';
import type { Plan } from '#libs/contract/plan.ts';
import { cachePermission, valuesOf } from '#libs/dialplan/cache-control.ts';
import type { ResponseHeaders } from '#libs/http/types.ts';
import { LruMap } from '#libs/lru/lru-map.ts';
import { originOf } from '#libs/net/url.ts';

export interface DecisionCacheOptions {
  /** Origins of the endpoints whose decisions may be cached; `*` for all, empty for none. */
  readonly origins: readonly string[];
  /** Maximum number of decisions; the least recently used one is evicted. */
  readonly size: number;
  /** Upper bound of the age of a decision that is used, in ms, whatever the endpoint says. */
  readonly maxAgeMs: number;
  /** A clock that never goes back, in ms. */
  readonly now?: () => number;
}

export const NO_CACHE: DecisionCacheOptions = { origins: [], size: 1, maxAgeMs: 0 };

/** A decision that was found, and its age. */
export interface CachedDecision {
  readonly plan: Plan;
  /** `hit`: used without a request; `stale`: used only when the request fails. */
  readonly outcome: 'hit' | 'stale';
  readonly ageMs: number;
}

interface Entry {
  /** JSON: it takes less memory than the objects, and cannot be changed by a user of the plan. */
  readonly plan: string;
  readonly sent: number;
  readonly freshUntil: number;
  readonly staleUntil: number;
}

/** The rules of a URL for sharing its decisions, from its last answer. */
interface Sharing {
  readonly fields: readonly string[];
  /** A part of the keys. It changes with `fields`, so that decisions shared under other rules are never found. */
  readonly generation: number;
  /** When the newest request was sent whose answer has named `fields`. */
  readonly sent: number;
}

/** A plan that is larger together with its key is not cached, in characters. */
const MAX_ENTRY = 16_384;

const sameFields = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((field, index) => field === other[index]);

/**
 * Decisions that endpoints allow to be used again, in memory, for the first request of calls with equal key. The key is
 * the URL of the endpoint, and the values of the request fields that its answer names in `Dialhook-Vary`.
 *
 *     absent -> fresh:  an answer with Cache-Control and Dialhook-Vary decides
 *     fresh  -> stale:  max-age has passed; the endpoint gets the request again
 *     stale  -> fresh:  its answer decides and allows it again
 *     any    -> absent: stale-if-error or `maxAgeMs` has passed, an answer that does not allow it, an answer with another
 *                       Dialhook-Vary (all decisions of the URL), or eviction
 *
 * A failure of the endpoint (no connection, timeout, 429, 5xx) changes nothing. Neither does an answer that arrives after
 * the one to a request that was sent later. Each router has its own cache; a restart empties it.
 */
export class DecisionCache {
  readonly #options: DecisionCacheOptions;
  readonly #now: () => number;
  readonly #byUrl: LruMap<string, Sharing>;
  readonly #entries: LruMap<string, Entry>;
  #generation = 0;

  constructor(options: DecisionCacheOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#byUrl = new LruMap(options.size);
    this.#entries = new LruMap(options.size);
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Whether decisions for this request may come from the cache: the first one of a call, to an allowed endpoint. */
  covers({ url, request }: DecisionRequest): boolean {
    const { origins } = this.#options;
    if (origins.length === 0 || request.attempt !== 1 || request.reason !== 'new') return false;
    return request.previous === undefined && (origins.includes('*') || origins.includes(originOf(url)));
  }

  find(request: DecisionRequest): CachedDecision | undefined {
    const key = this.covers(request) ? this.#keyOf(request) : undefined;
    const entry = key === undefined ? undefined : this.#entries.get(key);
    if (key === undefined || !entry) return undefined;
    const now = this.#now();
    if (now >= entry.staleUntil) {
      this.#entries.delete(key);
      return undefined;
    }
    const outcome = now < entry.freshUntil ? 'hit' : 'stale';
    return { plan: JSON.parse(entry.plan) as Plan, outcome, ageMs: Math.round(now - entry.sent) };
  }

  /** The time of a request that is sent now, for `store`. */
  get now(): number {
    return this.#now();
  }

  /**
   * Stores the decision of an answer, or forgets the one stored before: `plan` is undefined when the endpoint has answered
   * and did not decide. Returns why it is not stored although the endpoint seems to want it.
   * @param sent when the request was sent: the age of the decision counts from then.
   */
  store(
    request: DecisionRequest,
    headers: ResponseHeaders,
    plan: Plan | undefined,
    sent: number,
  ): string | undefined {
    if (!this.covers(request)) return undefined;
    const permission = plan === undefined ? undefined : cachePermission(headers);
    const known = this.#keyOf(request);
    const isOvertaken = known !== undefined && (this.#entries.peek(known)?.sent ?? sent) > sent;
    if (permission === undefined || typeof permission === 'string') {
      if (known !== undefined && !isOvertaken) this.#entries.delete(known);
      return permission;
    }
    if (isOvertaken || !this.#share(request.url, permission.fields, sent)) return undefined;
    const key = this.#keyOf(request) ?? '';
    const text = JSON.stringify(plan);
    if (key.length + text.length > MAX_ENTRY) {
      this.#entries.delete(key);
      return `the decision and its key have more than ${MAX_ENTRY} characters`;
    }
    const limit = sent + this.#options.maxAgeMs;
    const freshUntil = Math.min(sent + permission.freshMs, limit);
    const staleUntil = Math.min(sent + permission.freshMs + permission.staleMs, limit);
    this.#entries.set(key, { plan: text, sent, freshUntil, staleUntil });
    return undefined;
  }

  /** Returns false when the answer to a request that was sent later has named other fields. */
  #share(url: string, fields: readonly string[], sent: number): boolean {
    const known = this.#byUrl.get(url);
    if (known && sameFields(known.fields, fields)) {
      this.#byUrl.set(url, { ...known, sent: Math.max(known.sent, sent) });
      return true;
    }
    if (known && known.sent > sent) return false;
    this.#byUrl.set(url, { fields, generation: ++this.#generation, sent });
    return true;
  }

  #keyOf({ url, request }: DecisionRequest): string | undefined {
    const sharing = this.#byUrl.get(url);
    return sharing && JSON.stringify([sharing.generation, url, ...valuesOf(request, sharing.fields)]);
  }
}
