import { callIdFrom, callIdOf, MAX_UUID_BYTES } from '#libs/contract/call-id.ts';
import { CALL_VARIABLE } from '#libs/dialplan/applications.ts';
import { wholeNumber } from '#libs/esl/whole-number.ts';

/** Headers of `connect` or of an event, as FreeSWITCH names them. A variable with several values may be a list. */
export type ChannelData = Readonly<Record<string, string | readonly string[] | undefined>>;

/** One header as text: the first value of a list, `''` when the header is missing. */
export function header(data: ChannelData, name: string): string {
  const value = data[name];
  return (typeof value === 'string' ? value : value?.[0]) ?? '';
}

/** A channel variable as text, read like a header. */
export const variable = (data: ChannelData, name: string): string => header(data, `variable_${name}`);

const LIST = 'ARRAY::';

/**
 * A header whose value is one text, although FreeSWITCH writes a value that starts with ARRAY:: as a list
 * (switch_event_add_array in switch_event.c): a Call-ID that is used as the uuid can start so.
 */
export function wholeHeader(data: ChannelData, name: string): string {
  const value = data[name] ?? '';
  return typeof value === 'string' ? value : LIST + value.join('|:');
}

/** The id of the channel's leg; `''` in an event without a channel. */
export const legId = (data: ChannelData): string => callIdOf(wholeHeader(data, 'Unique-ID'));

/** The id of the leg that the channel is connected with; `''` without one. */
export const otherLegId = (data: ChannelData): string => callIdOf(wholeHeader(data, 'Other-Leg-Unique-ID'));

/** The id of the call that the channel is tagged with; `''` without one. Earlier agents tagged with the uuid. */
export const callId = (data: ChannelData): string => callIdFrom(variable(data, CALL_VARIABLE));

/** Whether the channel is the end of a loopback leg that enters the dialplan, where it can place a call of its own. */
export const isLoopback = (data: ChannelData): boolean => variable(data, 'loopback_leg') === 'B';

/** All values of a channel variable. FreeSWITCH writes a list as JSON in events and as `ARRAY::a|:b` in `connect`. */
export function variableList(data: ChannelData, name: string): readonly string[] {
  const value = data[`variable_${name}`];
  if (value === undefined) return [];
  if (typeof value !== 'string') return value;
  return value.startsWith(LIST) ? value.slice(LIST.length).split('|:') : [value];
}

/** Channel data or an event that FreeSWITCH cannot have sent. */
export class ChannelDataError extends Error {
  override readonly name = 'ChannelDataError';
}

/** The largest time that FreeSWITCH's microseconds can hold exactly, in the year 2255. */
export const MAX_EPOCH_MS = Math.ceil(Number.MAX_SAFE_INTEGER / 1000);

/** Microseconds since 1970 in a header; 0 when the header is missing or holds no time. */
const micros = (data: ChannelData, name: string): number => wholeNumber(header(data, name)) ?? 0;

/** `Caller-Channel-<moment>-Time` in epoch ms; 0 when it has not happened. */
export const channelTime = (data: ChannelData, moment: string): number =>
  Math.round(micros(data, `Caller-Channel-${moment}-Time`) / 1000);

/** When FreeSWITCH sent the event or the channel data, epoch ms; 0 when unknown. */
export const eventTime = (data: ChannelData): number =>
  Math.floor(micros(data, 'Event-Date-Timestamp') / 1000);

/** `eventTime` in ISO 8601, UTC. */
export const isoTime = (data: ChannelData): string => new Date(eventTime(data)).toISOString();

/** A host name has at most 253 bytes. */
const MAX_NODE_BYTES = 255;

/** Why channel data or an event cannot be processed; undefined for those of FreeSWITCH. */
export function defectOf(data: ChannelData, configuredNode: string | undefined): string | undefined {
  const uuidBytes = Buffer.byteLength(wholeHeader(data, 'Unique-ID'));
  if (uuidBytes === 0) return 'there is no Unique-ID';
  if (uuidBytes > MAX_UUID_BYTES)
    return `the uuid of the channel has ${uuidBytes} bytes, and FreeSWITCH's have at most ${MAX_UUID_BYTES}`;
  if (eventTime(data) === 0) return `Event-Date-Timestamp of the call ${legId(data)} is not a time`;
  const nodeBytes = Buffer.byteLength(nodeName(data, configuredNode));
  if (nodeBytes > 0 && nodeBytes <= MAX_NODE_BYTES) return undefined;
  return `the node of the call ${legId(data)} has a name of ${nodeBytes} bytes, and 1 to ${MAX_NODE_BYTES} are allowed: set NODE_NAME`;
}

/** The node's name: `configured` (NODE_NAME), or the name that FreeSWITCH gives itself. */
export const nodeName = (data: ChannelData, configured: string | undefined): string =>
  configured ?? (header(data, 'FreeSWITCH-Switchname') || header(data, 'FreeSWITCH-Hostname'));
