/** Headers of `connect` or of an event, as FreeSWITCH names them. A variable with several values may be a list. */
export type ChannelData = Readonly<Record<string, string | readonly string[] | undefined>>;

/** One header as text: the first value of a list, `''` when the header is missing. */
export function header(data: ChannelData, name: string): string {
  const value = data[name];
  return (typeof value === 'string' ? value : value?.[0]) ?? '';
}

/** A channel variable as text, read like a header. */
export const variable = (data: ChannelData, name: string): string => header(data, `variable_${name}`);

/** All values of a channel variable. FreeSWITCH writes a list as JSON in events and as `ARRAY::a|:b` in `connect`. */
export function variableList(data: ChannelData, name: string): readonly string[] {
  const value = data[`variable_${name}`];
  if (value === undefined) return [];
  if (typeof value !== 'string') return value;
  return value.startsWith('ARRAY::') ? value.slice('ARRAY::'.length).split('|:') : [value];
}

/** `Caller-Channel-<moment>-Time` in microseconds since 1970; 0 when it has not happened. */
export const channelTime = (data: ChannelData, moment: string): number =>
  Number(header(data, `Caller-Channel-${moment}-Time`));

/** FreeSWITCH's timestamp (microseconds since 1970, as text) in ISO 8601, UTC. */
export const isoTime = (micros: string): string => new Date(Math.floor(Number(micros) / 1000)).toISOString();

/** The node's name: `configured` (NODE_NAME), or the name that FreeSWITCH gives itself. */
export const nodeName = (data: ChannelData, configured: string | undefined): string =>
  configured ?? (header(data, 'FreeSWITCH-Switchname') || header(data, 'FreeSWITCH-Hostname'));
