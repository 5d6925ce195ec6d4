import type { CtiBridgeArguments } from '#libs/contract/arguments.ts';
import type { EndpointRequest, TriedLeg } from '#libs/contract/endpoint.ts';
import type { DecisionRequest } from '#libs/contract/messages.ts';
import { reportedData } from '#libs/dialplan/reporting.ts';
import { type ChannelData, header, isoTime, legId, variable } from './call/channel-data.ts';
import { attemptOf, isTagged, type SocketEntry } from './call/entry.ts';
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

/** The address to which the last target that redirected did so; of targets that rang at once it need not be the last. */
export const redirectOf = (triedLegs: readonly TriedLeg[]): string | undefined =>
  triedLegs.findLast(({ redirect_to }) => redirect_to !== undefined)?.redirect_to;

function redirected(reason: EndpointRequest['reason'], triedLegs: readonly TriedLeg[]) {
  const address = redirectOf(triedLegs);
  return reason === 'redirect' && address !== undefined ? { redirect_to: address } : {};
}

/** Data of an earlier decision about this call. */
function echoed(data: ChannelData): Pick<EndpointRequest, 'data'> {
  const given = isTagged(data) ? reportedData((name) => variable(data, name)) : undefined;
  return given === undefined ? {} : { data: given };
}

/** The request to the endpoint, from the channel data of `connect`. */
export const endpointRequest = (
  data: ChannelData,
  node: string,
  wantedVariables: readonly string[],
  { kind: _, ...why }: Extract<SocketEntry, { kind: 'request' }>,
  triedLegs: readonly TriedLeg[] = tried(originatedLegs(data), new Map()),
): EndpointRequest => ({
  action: 'request',
  ...why,
  uuid: legId(data),
  node,
  time: isoTime(data),
  ...((isTagged(data) ? taggedIdentity(data) : undefined) ?? callIdentity(data, 'Caller')),
  destination_number: header(data, 'Caller-Destination-Number'),
  caller_id_withheld: isWithheld(data, 'Caller'),
  asserted_number: assertedNumber(data),
  context: header(data, 'Caller-Context'),
  network_addr: header(data, 'Caller-Network-Addr'),
  sip_call_id: variable(data, 'sip_call_id'),
  attempt: attemptOf(data),
  ...echoed(data),
  tried: [...triedLegs],
  ...redirected(why.reason, triedLegs),
  variables: selectVariables(data, wantedVariables),
});

/** The message to the routers for a request. */
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
