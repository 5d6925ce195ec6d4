import type { Leg } from './call-state.ts';
import type { LegEvent } from './leg-event.ts';

type Interval = readonly [from: number, to: number];

/** The total length of intervals, counting overlaps once. */
export function unionMs(intervals: readonly Interval[]): number {
  let total = 0;
  let covered = 0;
  for (const [from, to] of intervals.toSorted(([a], [b]) => a - b)) {
    if (to <= Math.max(from, covered)) continue;
    total += to - Math.max(from, covered);
    covered = to;
  }
  return total;
}

/**
 * Whether the leg was connected with the caller, judging by its own events. Of legs that answer at the same time only
 * one is.
 */
export const wasConnected = ({ accepted, failure, joined }: Leg): boolean =>
  joined > 0 || (accepted > 0 && failure.cause !== 'LOSE_RACE');

/**
 * Milliseconds during which the caller leg was connected with an answered party. `caller` is the event of its end.
 *
 * Without events of called legs (after a restart of the agent) it counts from the last bridge of the caller leg.
 */
export function talkMs(caller: LegEvent, legs: readonly Leg[]): number {
  const { answered, bridged, ended } = caller.times;
  if (answered === 0) return 0;
  const called = new Set(caller.originated.map(({ leg }) => leg));
  const own = legs.filter(({ leg, joined }) => joined > 0 || called.has(leg));
  const connected = own.filter(wasConnected);
  const intervals = connected.map((leg): Interval => {
    const from = Math.max(answered, leg.joined || leg.accepted);
    const to = Math.min(ended, leg.ended || ended, leg.left || ended, leg.moved || ended);
    return [from, to];
  });
  const isUnknown = own.length === 0 && caller.originated.some(({ cause }) => cause === 'NONE');
  if (isUnknown && bridged > 0) intervals.push([Math.max(answered, bridged), ended]);
  return unionMs(intervals);
}
