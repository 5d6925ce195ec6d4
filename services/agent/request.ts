import { type CtiBridgeArguments, type ParsedArguments, parseArguments } from '#libs/contract/arguments.ts';
import type { EndpointRequest } from '#libs/contract/endpoint.ts';
import type { DecisionRequest } from '#libs/contract/messages.ts';
import { ATTEMPT_VARIABLE } from '#libs/dialplan/applications.ts';
import { tried } from './tried.ts';

/** What FreeSWITCH says of a channel: headers of `connect` or of an event. */
export type ChannelData = Readonly<Record<string, string | readonly string[] | undefined>>;

/** One header as text; the first value of a list; empty when it is not there. */
export function header(data: ChannelData, name: string): string {
  const value = data[name];
  return (typeof value === 'string' ? value : value?.[0]) ?? '';
}

export const variable = (data: ChannelData, name: string): string => header(data, `variable_${name}`);

/** Microseconds since 1970, as FreeSWITCH stamps them, in ISO 8601. */
export const isoTime = (micros: string): string => new Date(Math.floor(Number(micros) / 1000)).toISOString();

/** The endpoint a channel is bound to: what its cti_bridge says, or the default where it says nothing. */
export const endpointOf = (ctiBridge: string, defaultUrl: string | undefined): ParsedArguments =>
  parseArguments(ctiBridge === '' ? (defaultUrl ?? '') : ctiBridge);

export const nodeName = (data: ChannelData, configured: string | undefined): string =>
  configured ?? (header(data, 'FreeSWITCH-Switchname') || header(data, 'FreeSWITCH-Hostname'));

function selectVariables(data: ChannelData, wanted: readonly string[]): Record<string, string> {
  const selected: Record<string, string> = {};
  for (const pattern of wanted) {
    if (!pattern.endsWith('*')) {
      if (data[`variable_${pattern}`] !== undefined) selected[pattern] = variable(data, pattern);
      continue;
    }
    const prefix = `variable_${pattern.slice(0, -1)}`;
    for (const name of Object.keys(data))
      if (name.startsWith(prefix)) selected[name.slice('variable_'.length)] = header(data, name);
  }
  return selected;
}

/** How often the endpoint has been asked about this call, this time included. */
export const attemptOf = (data: ChannelData): number =>
  Math.max(1, Number(variable(data, ATTEMPT_VARIABLE)) || 1);

/** The question for the endpoint, from the channel data of `connect`. */
export const endpointRequest = (
  data: ChannelData,
  node: string,
  wantedVariables: readonly string[],
): EndpointRequest => ({
  action: 'request',
  uuid: header(data, 'Unique-ID'),
  node,
  time: isoTime(header(data, 'Event-Date-Timestamp')),
  caller_id_number: header(data, 'Caller-Caller-ID-Number'),
  caller_id_name: header(data, 'Caller-Caller-ID-Name'),
  destination_number: header(data, 'Caller-Destination-Number'),
  context: header(data, 'Caller-Context'),
  network_addr: header(data, 'Caller-Network-Addr'),
  sip_call_id: variable(data, 'sip_call_id'),
  attempt: attemptOf(data),
  tried: tried(data),
  variables: selectVariables(data, wantedVariables),
});

/** The question for the routers. */
export function decisionRequest(
  request: EndpointRequest,
  endpoint: CtiBridgeArguments,
  defaultFallbackUrl: string | undefined,
): DecisionRequest {
  const { url, connectTimeoutMs, responseTimeoutMs, fallbackUrl = defaultFallbackUrl } = endpoint;
  return {
    v: 1,
    url,
    ...(fallbackUrl === undefined ? {} : { fallback_url: fallbackUrl }),
    connect_timeout_ms: connectTimeoutMs,
    response_timeout_ms: responseTimeoutMs,
    request,
  };
}
