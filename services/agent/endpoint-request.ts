import type { CtiBridgeArguments } from '#libs/contract/arguments.ts';
import type { EndpointRequest, TriedLeg } from '#libs/contract/endpoint.ts';
import type { DecisionRequest } from '#libs/contract/messages.ts';
import { type ChannelData, header, isoTime, variable } from './call/channel-data.ts';
import { attemptOf, type Entry, isTagged } from './call/entry.ts';
import { assertedNumber, callIdentity, isWithheld, taggedIdentity } from './call/identity.ts';
import { originatedLegs } from './call/leg-event.ts';
import { tried } from './call/tried.ts';

/** The variables whose names are in `wanted`; a name that ends with `*` is a prefix. */
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

/** The address to which the last target redirected. */
function redirected(reason: EndpointRequest['reason'], triedLegs: readonly TriedLeg[]) {
  const address = triedLegs.at(-1)?.redirect_to;
  return reason === 'redirect' && address !== undefined ? { redirect_to: address } : {};
}

/** The request to the endpoint, from the channel data of `connect`. @throws {RangeError} without a timestamp. */
export const endpointRequest = (
  data: ChannelData,
  node: string,
  wantedVariables: readonly string[],
  { kind: _, ...why }: Extract<Entry, { kind: 'request' }>,
  triedLegs: readonly TriedLeg[] = tried(originatedLegs(data), new Map()),
): EndpointRequest => ({
  action: 'request',
  ...why,
  uuid: header(data, 'Unique-ID'),
  node,
  time: isoTime(header(data, 'Event-Date-Timestamp')),
  ...((isTagged(data) ? taggedIdentity(data) : undefined) ?? callIdentity(data, 'Caller')),
  destination_number: header(data, 'Caller-Destination-Number'),
  caller_id_withheld: isWithheld(data, 'Caller'),
  asserted_number: assertedNumber(data),
  context: header(data, 'Caller-Context'),
  network_addr: header(data, 'Caller-Network-Addr'),
  sip_call_id: variable(data, 'sip_call_id'),
  attempt: attemptOf(data),
  tried: [...triedLegs],
  ...redirected(why.reason, triedLegs),
  variables: selectVariables(data, wantedVariables),
});

/** The message that asks a router to make the request. */
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
