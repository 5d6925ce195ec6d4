import type { TriedLeg } from '#libs/contract/endpoint.ts';
import type { Leg } from './call-state.ts';
import type { OriginatedLeg } from './leg-event.ts';
import { wasConnected } from './talk-time.ts';

/** Milliseconds between two times; 0 when one is unknown or FreeSWITCH's clock was set back. */
export const between = (from: number, to: number): number => (from > 0 && to > from ? to - from : 0);

/** Times of a called leg that has ended. */
export const legDurations = (leg: Leg) => {
  const { invited, answered, accepted, ended, left } = leg;
  const joined = leg.consulted ? 0 : leg.joined;
  const talking = joined || accepted;
  const end = left || ended;
  return {
    ring_ms: between(invited, joined || answered || end),
    talk_ms: talking > 0 ? between(talking, end) : 0,
  };
};

/**
 * Milliseconds from the start of a call to the first 180 or 183 of a leg that it dialled; 0 when none rang. The times of
 * the caller leg include the 183 of a ringback or a sound of FreeSWITCH.
 */
export function ringMs(
  started: number,
  originated: readonly OriginatedLeg[],
  legs: ReadonlyMap<string, Leg>,
): number {
  const times = originated
    .flatMap(({ leg }) => legs.get(leg) ?? [])
    .flatMap(({ ring, media }) => [ring, media].filter((time) => time > 0));
  return times.length === 0 ? 0 : between(started, Math.min(...times));
}

function details(leg: Leg, originated: OriginatedLeg): TriedLeg {
  const { cause, ...sip } = leg.failure;
  const isConnected =
    leg.moved > 0 ||
    (originated.cause === 'NONE' && ((leg.ended === 0 && leg.left === 0) || wasConnected(leg)));
  return {
    leg: leg.leg,
    number: leg.number,
    ...(leg.gateway === '' ? {} : { gateway: leg.gateway }),
    cause: isConnected ? 'NONE' : cause || originated.cause,
    ...sip,
    rang: leg.ring > 0,
    early_media: leg.media > 0,
    answered: leg.answered > 0,
    ...(leg.rested ? { rested: true as const } : {}),
    ...(leg.accepts && leg.answered > 0 ? { accepted: leg.accepted > 0 } : {}),
    ...(leg.ended > 0 || leg.left > 0 ? legDurations(leg) : {}),
  };
}

/**
 * The called legs in the order tried. `originated` comes from the caller leg, `legs` from the events of the
 * called legs. A leg without events (after a restart of the agent) is only in `originated`.
 */
export const tried = (originated: readonly OriginatedLeg[], legs: ReadonlyMap<string, Leg>): TriedLeg[] =>
  originated.map((one) => {
    const leg = legs.get(one.leg);
    return leg === undefined ? { leg: one.leg, number: one.number, cause: one.cause } : details(leg, one);
  });
