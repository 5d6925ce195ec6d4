import type { Times } from './caller-profile.ts';

const UNITS: readonly [prefix: string, suffix: string, ofMicroseconds: (time: number) => number][] = [
  ['', 'sec', (time) => Math.floor(time / 1_000_000)],
  ['m', 'msec', (time) => Math.floor(time / 1000)],
  ['u', 'usec', (time) => time],
];

/** The durations that switch_channel_set_timestamps puts on a channel when it ends: duration, billsec, billmsec, ... */
export const durationVariables = (times: Times): [string, string][] =>
  UNITS.flatMap(([prefix, suffix, unit]): [string, string][] => {
    const between = (from: number, to: number): string =>
      String(from === 0 || to === 0 ? 0 : unit(to) - unit(from));
    return [
      [`${prefix}duration`, between(times.created, times.hangup)],
      [`bill${suffix}`, between(times.answered, times.hangup)],
      [`progress${suffix}`, between(times.created, times.progress)],
      [`answer${suffix}`, between(times.created, times.answered)],
      [`wait${suffix}`, between(times.created, times.bridged)],
      [`progress_media${suffix}`, between(times.created, times.progressMedia)],
    ];
  });
