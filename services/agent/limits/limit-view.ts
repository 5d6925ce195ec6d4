import type { PlaceKey } from '#libs/bus/limit-stream.ts';
import type { LimitBounds, LimitKey } from '#libs/contract/call-limits.ts';
import { PlaceIndex } from './place-index.ts';

const SECOND_MS = 1_000;

/** A place that a call has taken. */
export interface Place extends PlaceKey {
  readonly subject: string;
  readonly bounds: LimitBounds;
  /** When JetStream stored it, epoch ms. */
  readonly takenAt: number;
}

/** How many calls count towards a limit. */
export interface Usage {
  /** Calls at once. */
  readonly used: number;
  /** Calls that have come in the last second. */
  readonly recent: number;
}

/** Which bound of a limit a further call would exceed. */
export function exceeded({ max, rate }: LimitBounds, { used, recent }: Usage): 'max' | 'rate' | undefined {
  if (max !== undefined && used >= max) return 'max';
  return rate !== undefined && recent >= rate ? 'rate' : undefined;
}

interface LimitState {
  /** By node, then by subject. */
  readonly byNode: Map<string, Map<string, Place>>;
  /** Places taken in the last second, by subject, oldest first: the time on JetStream's clock. */
  readonly recent: Map<string, number>;
  bounds: LimitBounds;
}

export interface LimitViewOptions {
  /** Places of a node that has sent no message for this long do not count, ms. */
  readonly leaseMs: number;
  /** Monotonic clock, ms. Default: that of `performance`. */
  readonly now?: () => number;
  /** A view of the same stream, which is being read from its beginning. */
  readonly earlier?: LimitView;
}

/** The last message of a node. */
interface Heard {
  /** When JetStream stored it, epoch ms. */
  readonly time: number;
  /** When it was read first, on the monotonic clock. */
  readonly at: number;
}

/**
 * The places of all limits, as read from the stream in its order. Pure apart from the clock for the leases of nodes.
 *
 * Every agent reads the same messages in the same order. So the usage before a place is the number of places with a lower
 * sequence number that were not freed before it, and of several calls that want the last place exactly one finds it free.
 */
export class LimitView {
  readonly #leaseMs: number;
  readonly #now: () => number;
  readonly #limits = new Map<LimitKey, LimitState>();
  readonly #places = new PlaceIndex<Place>();
  readonly #heard = new Map<string, Heard>();
  /** The view whose messages are read again; undefined when that is done. */
  #earlier: LimitView | undefined;
  /** The newest time of JetStream's clock, and when it was read, on the monotonic clock. */
  #latest: number;
  #latestAt: number;

  constructor({ leaseMs, now = () => performance.now(), earlier }: LimitViewOptions) {
    this.#leaseMs = leaseMs;
    this.#now = now;
    this.#earlier = earlier;
    this.#latest = earlier === undefined ? 0 : earlier.#latest;
    this.#latestAt = earlier === undefined ? now() : earlier.#latestAt;
  }

  /** Number of places of all limits. */
  get size(): number {
    return this.#places.size;
  }

  has(subject: string): boolean {
    return this.#places.has(subject);
  }

  /** The calls that count towards a limit now. */
  usage(limit: LimitKey): Usage {
    return this.#usageAt(limit, this.#latest + (this.#now() - this.#latestAt));
  }

  #usageAt(limit: LimitKey, time: number): Usage {
    const state = this.#limits.get(limit);
    if (state === undefined) return { used: 0, recent: 0 };
    let used = 0;
    for (const [node, places] of state.byNode) if (!this.#isExpired(node)) used += places.size;
    for (const [subject, at] of state.recent) {
      if (at > time - SECOND_MS) break;
      state.recent.delete(subject);
    }
    return { used, recent: state.recent.size };
  }

  /** Adds a place that was read from the stream. Returns the usage before it. */
  onTaken(place: Place): Usage {
    const { limit, node, subject, takenAt, bounds } = place;
    this.onHeard(node, takenAt);
    const before = this.#usageAt(limit, takenAt);
    const state = this.#limits.get(limit) ?? { byNode: new Map(), recent: new Map(), bounds };
    this.#limits.set(limit, state);
    state.bounds = bounds;
    const ofNode = state.byNode.get(node) ?? new Map<string, Place>();
    state.byNode.set(node, ofNode.set(subject, place));
    state.recent.set(subject, takenAt);
    this.#places.set(subject, place);
    return before;
  }

  /** Removes a place. `unused`: it no longer counts as a call of the last second either. */
  onFreed(subject: string, unused: boolean): void {
    const place = this.#places.delete(subject);
    if (place === undefined) return;
    const { limit, node } = place;
    const state = this.#limits.get(limit);
    const ofNode = state?.byNode.get(node);
    ofNode?.delete(subject);
    if (ofNode?.size === 0) state?.byNode.delete(node);
    if (unused) state?.recent.delete(subject);
  }

  /**
   * Call when the messages of the earlier view have been read again. Takes over its calls of the last second, because the
   * messages of places that are free have gone.
   */
  onCaughtUp(): void {
    const earlier = this.#earlier;
    if (earlier === undefined) return;
    this.#earlier = undefined;
    for (const [limit, { recent, bounds }] of earlier.#limits) {
      const state = this.#limits.get(limit) ?? { byNode: new Map(), recent: new Map(), bounds };
      this.#limits.set(limit, state);
      const all = [...recent, ...state.recent].toSorted(([, one], [, other]) => one - other);
      state.recent.clear();
      for (const [subject, at] of all) state.recent.set(subject, at);
    }
  }

  /** Call for each message of a node. `time` is JetStream's. A message that is read again does not renew the lease. */
  onHeard(node: string, time: number): void {
    const known = this.#earlier === undefined ? undefined : this.#earlier.#heard.get(node);
    const isKnown = known !== undefined && time <= known.time;
    this.#heard.set(node, isKnown ? known : { time, at: this.#now() });
    if (time <= this.#latest) return;
    this.#latest = time;
    this.#latestAt = this.#now();
  }

  /** The places of a call. */
  placesOf(owner: string): Place[] {
    return [...this.#places.of(owner)].map(([, place]) => place);
  }

  /** The calls of a node that have places. */
  owners(node: string): string[] {
    return [...this.#places.owners()].filter((owner) =>
      this.placesOf(owner).some((one) => one.node === node),
    );
  }

  /** Whether a call of the node has a place. */
  isUsedBy(node: string): boolean {
    return [...this.#limits.values()].some(({ byNode }) => byNode.has(node));
  }

  /** Forgets places that JetStream has dropped because they were older than `maxAgeMs`, and unused limits. */
  trim(maxAgeMs: number): void {
    const oldest = this.#latest + (this.#now() - this.#latestAt) - maxAgeMs;
    for (const [subject, { takenAt }] of this.#places) if (takenAt < oldest) this.onFreed(subject, true);
    for (const [limit, { byNode }] of this.#limits)
      if (byNode.size === 0 && this.usage(limit).recent === 0) this.#limits.delete(limit);
  }

  /** Every limit that is used, and the bounds of its last call. */
  *limits(): Generator<readonly [limit: LimitKey, bounds: LimitBounds]> {
    for (const [limit, { bounds }] of this.#limits) yield [limit, bounds];
  }

  #isExpired(node: string): boolean {
    return this.#now() - (this.#heard.get(node)?.at ?? 0) > this.#leaseMs;
  }
}
