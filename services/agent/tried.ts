import type { ChannelData } from './request.ts';

/** FreeSWITCH writes a list as JSON in events and as ARRAY::a|:b in channel data. */
function list(data: ChannelData, name: string): readonly string[] {
  const value = data[`variable_${name}`];
  if (value === undefined) return [];
  if (typeof value !== 'string') return value;
  return value.startsWith('ARRAY::') ? value.slice('ARRAY::'.length).split('|:') : [value];
}

/** The called legs in the order tried, each with its cause; NONE for the one that was connected. */
export function tried(data: ChannelData): { leg: string; number: string; cause: string }[] {
  const causes = new Map(
    list(data, 'originate_causes').map((entry) => {
      const [leg = '', cause = ''] = entry.split(';');
      return [leg, cause];
    }),
  );
  const legs = new Map(
    list(data, 'originated_legs').map((entry) => {
      const [leg = '', , number = ''] = entry.split(';');
      return [leg, { leg, number, cause: causes.get(leg) ?? '' }];
    }),
  );
  return [...legs.values()];
}
