import { type PlaceKey, placeSubject } from '#libs/bus/limit-stream.ts';
import type { LimitBounds, LimitKey } from '#libs/contract/call-limits.ts';
import type { DialPlan } from '#libs/contract/plan.ts';
import type { LimitStatus } from '#libs/contract/status.ts';
import type { DialableGroup } from '#libs/dialplan/bridge.ts';
import { LruMap } from '#libs/lru/lru-map.ts';
import { aboutCall, type Log } from '#libs/telemetry/log.ts';
import type { LegEvent } from '../call/leg-event.ts';
import type { Places } from './places.ts';
import type { Verdict, Want } from './want.ts';
import {
  type Admitted,
  admitLegs,
  type LimitedCall,
  type LimitSettings,
  nameOf,
  readPlace,
  wantsOf,
} from './wanted-places.ts';

/** Called legs that are up and have a place, at most. */
const MAX_LEGS = 100_000;
/** Limits whose refusals are counted, at most. */
const MAX_REFUSED = 10_000;
const MAX_REPORTED = 200;

/** A called leg that is up. */
interface PlaceUser {
  readonly leg: string;
  /** Whether it was connected with the caller: it stays up when the call continues without it. */
  readonly isConnected: boolean;
}

export interface CallLimitsOptions {
  readonly places: Places;
  /** LIMITS. */
  readonly settings: LimitSettings;
  /** Whether a call that JetStream cannot count is placed (LIMITS_ON_OUTAGE). */
  readonly onOutage: 'admit' | 'refuse';
  readonly log: Log;
  readonly onVerdict?: (node: string, limit: LimitKey, verdict: Verdict) => void;
  /** Called with the milliseconds that a call has waited for its places. */
  readonly onWaited?: (node: string, ms: number) => void;
}

/**
 * Counts the calls of this node towards their limits.
 *
 * Admission: when a decision is carried out, its call takes a place of each limit that it names and of each gateway that
 * it may dial. Targets without a place are left out.
 *
 * Release: the place of a gateway ends with its called leg, or when another target answers. The places of a call end with
 * its caller leg, except those of called legs that are still up because they were transferred. Places whose end no agent
 * has seen are freed by reconciliation (`owners`, `freeGone`).
 */
export class CallLimits {
  readonly #options: CallLimitsOptions;
  /** The place of each called leg that is up. Lost in a crash: the place of a transferred leg then ends with its call. */
  readonly #placeOfLeg = new LruMap<string, PlaceKey>(MAX_LEGS);
  /** The leg that uses a place, by the place's subject. */
  readonly #legOfPlace = new LruMap<string, PlaceUser>(MAX_LEGS);

  /** Places refused since the agent has started. */
  readonly #refusedOf = new LruMap<LimitKey, number>(MAX_REFUSED);

  constructor(options: CallLimitsOptions) {
    this.#options = options;
  }

  /** The limits of the operator and those that calls use. */
  all(): LimitStatus[] {
    const { places, settings } = this.#options;
    const known = new Map<LimitKey, LimitBounds>([...settings].filter(([limit]) => limit !== 'gw:*'));
    for (const [limit, bounds] of places.view.limits()) known.set(limit, { ...bounds, ...known.get(limit) });
    return [...known].map(([limit, { max, rate }]) => ({
      limit,
      ...places.view.usage(limit),
      ...(max === undefined ? {} : { max }),
      ...(rate === undefined ? {} : { rate }),
      refused: this.#refusedOf.peek(limit) ?? 0,
    }));
  }

  /** The most used limits, most used first. */
  status(): LimitStatus[] {
    return this.all()
      .toSorted((one, other) => other.used - one.used)
      .slice(0, MAX_REPORTED);
  }

  /** Takes the places of a decision, and frees those of the call's earlier one. Costs nothing without limits. */
  async admit(
    call: LimitedCall,
    groups: readonly DialableGroup[],
    { limit: limits }: Pick<DialPlan, 'limit'>,
  ): Promise<Admitted> {
    const { places, settings } = this.#options;
    const wants = wantsOf(groups, limits, call, settings);
    const held = places.placesOf(call.uuid);
    const stays = (place: PlaceKey) => wants.named.some(({ limit }) => limit === place.limit);
    places.free(held.filter((place) => !stays(place) && !this.#isConnected(place)));
    const named = wants.named.filter(({ limit }) => !held.some((place) => place.limit === limit));
    const reached = named.filter((want) => places.isReached(want));
    // Places of a call that is refused anyway would refuse others until they are freed.
    const wanted = reached.length > 0 ? reached : [...named, ...wants.gateways];
    if (wanted.length === 0) return { groups, skipped: [] };
    const refused = await this.#refused(call, wanted);
    const full = wants.named.find((want) => refused.has(nameOf(want)));
    if (full !== undefined)
      places.free(
        [...places.placesOf(call.uuid), ...wanted].filter((place) => !this.#isConnected(place)),
        true,
      );
    return admitLegs(groups, wants, (want) => {
      if (full !== undefined) return full.limit;
      return want !== undefined && refused.has(nameOf(want)) ? want.limit : undefined;
    });
  }

  async #refused(call: LimitedCall, wanted: readonly Want[]): Promise<ReadonlySet<string>> {
    const { places, onOutage, log, onVerdict, onWaited } = this.#options;
    const started = performance.now();
    const verdicts = await places.take(wanted);
    onWaited?.(call.node, performance.now() - started);
    const refused = new Set<string>();
    for (const [at, want] of wanted.entries()) {
      const verdict = verdicts[at] ?? 'unchecked';
      const { limit, bounds } = want;
      onVerdict?.(call.node, limit, verdict);
      const about = { ...aboutCall(call.uuid, call.node), limit };
      if (verdict === 'unchecked') log.warn('limit.unchecked', { ...about, effect: onOutage });
      else if (verdict !== 'taken') log.info('limit.reached', { ...about, bound: verdict, ...bounds });
      if (verdict === 'taken' || (verdict === 'unchecked' && onOutage === 'admit')) continue;
      refused.add(nameOf(want));
      this.#refusedOf.set(limit, (this.#refusedOf.get(limit) ?? 0) + 1);
      if (verdict === 'unchecked') places.free([want], true);
    }
    return refused;
  }

  /** Call for every event of a leg. */
  onLegEvent(event: Pick<LegEvent, 'kind' | 'call' | 'leg' | 'node' | 'place' | 'times' | 'accepts'>): void {
    const { kind, call, leg, node, place, times, accepts } = event;
    const { places } = this.#options;
    const named = leg === call ? undefined : readPlace(place, call, node);
    if (kind === 'end') {
      const own = this.#placeOfLeg.get(leg) ?? named?.key;
      this.#forget(leg, own);
      if (own !== undefined && (named?.isKept !== true || times.accepted > 0)) places.free([own]);
      if (leg === call) this.freeCall(call);
      return;
    }
    // The answer of a leg that has to accept the call does not connect it: another target may follow.
    const connects = kind === 'accept' || (kind === 'answer' && !accepts);
    if (named !== undefined) this.#remember(leg, named.key, connects || times.accepted > 0);
    if (!connects || leg === call) return;
    places.free(
      places.placesOf(call).filter((place) => place.limit.startsWith('gw:') && !this.#isConnected(place)),
    );
  }

  /** Frees the places of a call whose caller leg has ended, except those of called legs that are still up. */
  freeCall(call: string): void {
    const { places } = this.#options;
    places.free(places.placesOf(call).filter(({ subject }) => this.#legOfPlace.get(subject) === undefined));
  }

  /** The calls of a node that have places. */
  owners(node: string): string[] {
    return this.#options.places.view.owners(node);
  }

  /** Frees the places of a call that FreeSWITCH no longer has. `channels` are the legs that it has. */
  freeGone(call: string, channels: ReadonlySet<string>): void {
    const { places } = this.#options;
    places.free(
      places.placesOf(call).filter(({ subject }) => !channels.has(this.#legOfPlace.get(subject)?.leg ?? '')),
    );
  }

  /** Whether the leg that uses a place was connected: its place ends with it only. */
  #isConnected(place: PlaceKey): boolean {
    return this.#legOfPlace.get(placeSubject(place))?.isConnected === true;
  }

  #remember(leg: string, place: PlaceKey, isConnected: boolean): void {
    this.#placeOfLeg.set(leg, place);
    this.#legOfPlace.set(placeSubject(place), { leg, isConnected });
  }

  #forget(leg: string, place: PlaceKey | undefined): void {
    this.#placeOfLeg.delete(leg);
    if (place === undefined) return;
    const subject = placeSubject(place);
    if (this.#legOfPlace.get(subject)?.leg === leg) this.#legOfPlace.delete(subject);
  }
}
