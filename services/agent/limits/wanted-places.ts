import type { PlaceKey } from '#libs/bus/limit-stream.ts';
import type { LimitBounds, LimitKey } from '#libs/contract/call-limits.ts';
import type { DialPlan } from '#libs/contract/plan.ts';
import type { DialableGroup } from '#libs/dialplan/bridge.ts';
import { gatewayOf } from '#libs/dialplan/dial-string.ts';
import { NO_PLACE_CAUSE } from '#libs/dialplan/skipped.ts';
import type { Want } from './want.ts';

/** The limits of the operator (LIMITS). */
export type LimitSettings = ReadonlyMap<LimitKey, LimitBounds>;

type Leg = DialableGroup['legs'][number];

/** The call that wants places. */
export interface LimitedCall {
  readonly uuid: string;
  readonly node: string;
  /** The number of the request that decided. */
  readonly attempt: number;
}

const lower = (one: number | undefined, other: number | undefined): number | undefined =>
  one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);

const boundsOf = (max: number | undefined, rate: number | undefined): LimitBounds => ({
  ...(max === undefined ? {} : { max }),
  ...(rate === undefined ? {} : { rate }),
});

/** The limits that a decision names, each with the lower bounds of the decision and the operator. */
function namedLimits(
  named: DialPlan['limit'],
  settings: LimitSettings,
): (readonly [LimitKey, LimitBounds])[] {
  return (named ?? []).map(({ id, max, rate }) => {
    const key: LimitKey = `id:${id}`;
    const own = settings.get(key) ?? {};
    return [key, boundsOf(lower(max, own.max), lower(rate, own.rate))];
  });
}

/** What is wrong with the limits that a decision names; undefined when they can be counted. */
export function limitProblem(named: DialPlan['limit'], settings: LimitSettings): string | undefined {
  const at = (named ?? []).findIndex(
    ({ id, max, rate }) => max === undefined && rate === undefined && !settings.has(`id:${id}`),
  );
  const id = named?.[at]?.id;
  return id === undefined
    ? undefined
    : `limit.${at}: needs max or rate, because LIMITS of the agent has no id:${id}`;
}

/** The limit of the gateway of a leg; undefined without one. */
function gatewayLimit(
  { endpoint }: Leg,
  settings: LimitSettings,
): readonly [LimitKey, LimitBounds] | undefined {
  const gateway = gatewayOf(endpoint);
  if (gateway === undefined) return undefined;
  const key: LimitKey = `gw:${gateway}`;
  const bounds = settings.get(key) ?? settings.get('gw:*');
  return bounds === undefined ? undefined : [key, bounds];
}

/**
 * The places that the legs want. Legs that ring at once need one each; legs that are dialled one after the other share one,
 * since only one of them exists at a time. In the form of `groups`.
 */
function gatewayWants(
  groups: readonly DialableGroup[],
  { uuid, node, attempt }: LimitedCall,
  settings: LimitSettings,
): (Want | undefined)[][] {
  return groups.map(({ legs }) => {
    const wanted = new Map<LimitKey, number>();
    return legs.map((leg) => {
      const found = gatewayLimit(leg, settings);
      if (found === undefined) return undefined;
      const [limit, bounds] = found;
      const index = wanted.get(limit) ?? 0;
      wanted.set(limit, index + 1);
      return { limit, bounds, node, owner: uuid, n: `${attempt}-${index}` };
    });
  });
}

/** All places that a decision wants. */
export interface Wants {
  readonly named: readonly Want[];
  readonly gateways: readonly Want[];
  /** The place of each leg, in the form of `groups`. */
  readonly ofLegs: readonly (readonly (Want | undefined)[])[];
}

/** Tells the places of one call apart. */
export const nameOf = ({ limit, n }: Pick<PlaceKey, 'limit' | 'n'>): string => `${limit}/${n}`;

export function wantsOf(
  groups: readonly DialableGroup[],
  named: DialPlan['limit'],
  call: LimitedCall,
  settings: LimitSettings,
): Wants {
  const ofLegs = gatewayWants(groups, call, settings);
  const gateways = new Map(
    ofLegs.flat().flatMap((want) => (want === undefined ? [] : [[nameOf(want), want] as const])),
  );
  return {
    named: namedLimits(named, settings).map(([limit, bounds]) => ({
      limit,
      bounds,
      node: call.node,
      owner: call.uuid,
      n: String(call.attempt),
    })),
    gateways: [...gateways.values()],
    ofLegs,
  };
}

/** The value of the variable that names the place of a called leg: `gw:NAME/1-0`, and `/kept` if a later target uses it. */
const placeValue = (want: Want, isLast: boolean): string => `${nameOf(want)}${isLast ? '' : '/kept'}`;

/** The place in such a value; undefined when it names none. */
export function readPlace(
  text: string,
  call: string,
  node: string,
): { readonly key: PlaceKey; readonly isKept: boolean } | undefined {
  const [, limit, n, kept] = /^(gw:[^/]+)\/(\d+-\d+)(\/kept)?$/.exec(text) ?? [];
  if (limit === undefined || n === undefined) return undefined;
  return { key: { limit: limit as LimitKey, node, owner: call, n }, isKept: kept !== undefined };
}

/** What is left of a decision, and what is not dialled. */
export interface Admitted {
  readonly groups: readonly DialableGroup[];
  readonly skipped: readonly { readonly number: string; readonly limit: LimitKey }[];
}

/** The number that a dial endpoint dials: what is between the last slash and the host or the parameters. */
const numberOf = (endpoint: string): string =>
  endpoint
    .slice(endpoint.lastIndexOf('/') + 1)
    .replace(/^sips?:/, '')
    .split(/[@;%]/, 1)[0] ?? '';

const NO_TARGET: DialableGroup = {
  variables: {},
  legs: [{ endpoint: `error/${NO_PLACE_CAUSE}`, variables: {} }],
};

/** Leaves out the legs without a place. When none is left, the only target fails with NO_PLACE_CAUSE. */
export function admitLegs(
  groups: readonly DialableGroup[],
  { ofLegs }: Pick<Wants, 'ofLegs'>,
  isRefused: (want: Want | undefined) => LimitKey | undefined,
): Admitted {
  const lastUse = new Map<string, number>();
  for (const [at, wants] of ofLegs.entries())
    for (const want of wants) if (want !== undefined) lastUse.set(nameOf(want), at);
  const skipped: { number: string; limit: LimitKey }[] = [];
  const admitted = groups.map((group, at) => ({
    ...group,
    legs: group.legs.flatMap((leg, index) => {
      const want = ofLegs[at]?.[index];
      const limit = isRefused(want);
      if (limit !== undefined) {
        skipped.push({ number: numberOf(leg.endpoint), limit });
        return [];
      }
      return [
        want === undefined ? leg : { ...leg, place: placeValue(want, lastUse.get(nameOf(want)) === at) },
      ];
    }),
  }));
  const left = admitted.filter(({ legs }) => legs.length > 0);
  return { groups: left.length > 0 ? left : [NO_TARGET], skipped };
}
