import type { CallerId } from '#libs/contract/decision.ts';
import type { DialPlan, Group } from '#libs/contract/plan.ts';
import { type Acceptance, acceptanceVariables } from './acceptance.ts';
import { formatGroup } from './dial-string.ts';
import { type DurationLimit, durationHooks, durationVariables } from './duration.ts';
import {
  groupVariables,
  legVariables,
  placeVariables,
  type RingTime,
  telVariables,
} from './leg-variables.ts';
import {
  type CallerFacts,
  callerShown,
  isCallerChosen,
  takeCallerId,
  withoutCaller,
} from './presentation.ts';
import { type Recording, recordingVariables } from './recording.ts';
import type { Settings } from './settings.ts';

/** Legs whose users have been replaced by their devices: every one can be dialled. */
export interface DialableGroup {
  readonly duration?: DurationLimit | undefined;
  readonly acceptance?: Acceptance | undefined;
  readonly recording?: Recording | undefined;
  /** The number of its first leg among those of the decision. Default: 1. */
  readonly firstLeg?: number;
  readonly early_media?: DialPlan['early_media'];
  readonly variables: Group['variables'];
  readonly legs: readonly (RingTime & {
    readonly endpoint: string;
    readonly tel_params?: string | undefined;
    readonly variables: Group['variables'];
    /** PLACE_VARIABLE of the leg. */
    readonly place?: string | undefined;
    /** Whether it is dialled through a gateway that rests. */
    readonly rested?: boolean | undefined;
  })[];
}

/**
 * The dial string of one group: the variables of the decision (`called`), those of the group, and each leg with its
 * own. A caller number in the braces of a dial string replaces that of `caller_id`; one in the brackets of a leg counts
 * when neither is given.
 */
export function dialString(
  group: DialableGroup,
  called: Settings,
  caller: CallerFacts,
  caller_id: CallerId | undefined,
): string {
  const accepts = group.acceptance !== undefined;
  const isAlone = group.legs.length === 1 && !accepts;
  const own = takeCallerId(group.variables);
  const ofLegs = group.legs.map((leg) => takeCallerId(leg.variables));
  const isByLeg =
    own.id === undefined && !isCallerChosen(caller_id) && ofLegs.some(({ id }) => id !== undefined);
  const shown = (id: CallerId | undefined) => callerShown(caller, { ...caller_id, ...id });
  const legs = group.legs.map((leg, index) => ({
    endpoint: leg.endpoint,
    variables: {
      ...ofLegs[index]?.rest,
      ...(isByLeg ? shown(ofLegs[index]?.id) : {}),
      ...legVariables(leg, accepts),
      ...durationVariables(group.duration, accepts),
      ...recordingVariables(group.recording, (group.firstLeg ?? 1) + index, isAlone),
      ...telVariables(leg),
      ...placeVariables(leg),
    },
  }));
  const forAll = {
    ...groupVariables(group.legs, {
      earlyMedia: group.early_media,
      acceptS: group.acceptance?.timeout,
    }),
    ...acceptanceVariables(group.acceptance, group.duration === undefined ? [] : durationHooks(accepts)),
    ...(isByLeg || own.id !== undefined ? withoutCaller(called) : called),
    ...(own.id === undefined ? {} : shown(own.id)),
    ...own.rest,
  };
  return formatGroup(forAll, legs);
}

/**
 * The dial string of a group for another endpoint, where one of its targets redirected to, without that endpoint. It
 * rings as long as the longest of the group.
 */
export function redirectPrefix(
  { legs, ...group }: DialableGroup,
  ...how: [called: Settings, caller: CallerFacts, caller_id: CallerId | undefined]
): string {
  const timeouts = legs.flatMap(({ timeout }) => (timeout === undefined ? [] : [timeout]));
  const timeout = timeouts.length === legs.length ? Math.max(...timeouts) : undefined;
  const [only] = legs.length === 1 ? legs : [];
  return dialString(
    {
      ...group,
      legs: [{ endpoint: '', variables: only?.variables ?? {}, timeout }],
    },
    ...how,
  );
}
