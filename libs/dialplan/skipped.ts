import { callIdOf } from '#libs/contract/call-id.ts';
import type { LimitKey } from '#libs/contract/call-limits.ts';
import type { TriedLeg } from '#libs/contract/endpoint.ts';
import { decodedValue, encodedValue } from './encoded-value.ts';
import type { Settings } from './settings.ts';

/**
 * The channel variable of the caller leg with the targets that were not dialled because a limit was reached. Not set as
 * long as there are none.
 */
export const SKIPPED_VARIABLE = 'dialhook_skipped';

/** The cause of such a target in `tried`, after the extension `limit_exceeded` of FreeSWITCH's application `limit`. */
export const LIMIT_EXCEEDED = 'LIMIT_EXCEEDED';

/** The hangup cause for the caller when no target is left: SIP 503, as for a gateway without a free channel. */
export const NO_PLACE_CAUSE = 'NORMAL_CIRCUIT_CONGESTION';

/** A target that was not dialled. */
export interface SkippedTarget {
  /** How many legs the call had dialled before. */
  readonly after: number;
  readonly number: string;
  readonly limit: LimitKey;
}

type Encoded = readonly [after: number, number: string, limit: string];

const isEncoded = (one: unknown): one is Encoded =>
  Array.isArray(one) && Number.isInteger(one[0]) && typeof one[1] === 'string' && typeof one[2] === 'string';

const encodeSkipped = (targets: readonly SkippedTarget[]): string =>
  encodedValue(targets.map(({ after, number, limit }): Encoded => [after, number, limit]));

/** Variables of the caller leg for targets that are skipped, after those of `earlier` decisions about the call. */
export const skippedSettings = (
  earlier: readonly SkippedTarget[],
  skipped: readonly SkippedTarget[],
): Settings => (skipped.length === 0 ? {} : { [SKIPPED_VARIABLE]: encodeSkipped([...earlier, ...skipped]) });

/** The targets in a value of SKIPPED_VARIABLE; none when it is damaged. */
export function decodeSkipped(text: string): SkippedTarget[] {
  const list = decodedValue(text);
  if (!Array.isArray(list)) return [];
  return list
    .filter(isEncoded)
    .map(([after, number, limit]) => ({ after, number, limit: limit as LimitKey }));
}

/** Adds the skipped targets to the tried legs of a call, each before the legs that were dialled after it. */
export function withSkipped(
  call: string,
  legs: readonly TriedLeg[],
  skipped: readonly SkippedTarget[],
): TriedLeg[] {
  const entries = skipped.map(({ after, number, limit }, index) => ({
    after,
    entry: { leg: callIdOf(`${call};skipped;${index}`), number, cause: LIMIT_EXCEEDED, limit },
  }));
  const before = (count: number) => entries.filter(({ after }) => after === count).map(({ entry }) => entry);
  return [
    ...legs.flatMap((leg, index) => [...before(index), leg]),
    ...entries.filter(({ after }) => after >= legs.length).map(({ entry }) => entry),
  ];
}
