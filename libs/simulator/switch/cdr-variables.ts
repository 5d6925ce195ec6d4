import type { CallerProfile } from './caller-profile.ts';

export interface LastApplication {
  readonly name: string;
  readonly data: string | undefined;
}

const stampOf = (time: number): string => new Date(time / 1000).toISOString().slice(0, 19).replace('T', ' ');
const seconds = (time: number): number => Math.floor(time / 1_000_000);
const milliseconds = (time: number): number => Math.floor(time / 1000);

/** The variables of switch_channel_set_timestamps: when things happened and how long they took. */
export function cdrVariables(profile: CallerProfile, last: LastApplication | undefined): [string, string][] {
  const { times } = profile;
  const moments: [string, number][] = [
    ['start', times.created],
    ['profile_start', times.profileCreated],
    ['answer', times.answered],
    ['bridge', times.bridged],
    ['last_hold', 0],
    ['hold_accum', 0],
    ['resurrect', 0],
    ['progress', times.progress],
    ['progress_media', times.progressMedia],
    ['end', times.hangup],
  ];
  return [
    ['digits_dialed', 'none'],
    ...moments.flatMap(([name, time]): [string, string][] =>
      time > 0 ? [[`${name}_stamp`, stampOf(time)]] : [],
    ),
    ...moments.flatMap(([name, time]): [string, string][] =>
      name === 'hold_accum'
        ? [
            ['hold_accum_seconds', '0'],
            ['hold_accum_usec', '0'],
            ['hold_accum_ms', '0'],
          ]
        : [
            [`${name}_epoch`, String(seconds(time))],
            [`${name}_uepoch`, String(time)],
          ],
    ),
    ...(last === undefined
      ? []
      : ([
          ['last_app', last.name],
          ['last_arg', last.data ?? ''],
        ] satisfies [string, string][])),
    ['caller_id', `"${profile.callerIdName}" <${profile.callerIdNumber}>`],
    ...durations(profile, '', 'sec', seconds),
    ...durations(profile, 'm', 'msec', milliseconds),
    ...durations(profile, 'u', 'usec', (time) => time),
  ];
}

function durations(
  { times }: CallerProfile,
  prefix: string,
  suffix: string,
  unit: (time: number) => number,
): [string, string][] {
  const between = (from: number, to: number): string =>
    String(from === 0 || to === 0 ? 0 : unit(to) - unit(from));
  return [
    [`${prefix}duration`, between(times.created, times.hangup)],
    [`bill${suffix}`, between(times.answered, times.hangup)],
    [`progress${suffix}`, between(times.created, times.progress)],
    [`answer${suffix}`, between(times.created, times.answered)],
    [`wait${suffix}`, between(times.created, times.bridged)],
    [`progress_media${suffix}`, between(times.created, times.progressMedia)],
    [`flow_bill${suffix}`, times.answered === 0 ? '0' : between(times.created, times.hangup)],
  ];
}
