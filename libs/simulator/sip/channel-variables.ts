import { randomUUID } from 'node:crypto';

/** The variables that mod_sofia sets on a channel, as far as Dialhook or its tests read them. */
type Variables = readonly (readonly [string, string])[];

const ADDRESS = '127.0.0.1';

/** sip_from_user, sip_from_uri, ...: the parts of one SIP address. `host` may have a port. */
function address(prefix: string, user: string, host: string): Variables {
  const [name = host, port] = host.split(':');
  return [
    [`sip_${prefix}_user`, user],
    ...(port === undefined ? [] : [[`sip_${prefix}_port`, port] as const]),
    [`sip_${prefix}_uri`, `${user}@${host}`],
    [`sip_${prefix}_host`, name],
  ];
}

export interface InboundCall {
  readonly uuid: string;
  readonly channelName: string;
  readonly callerNumber: string;
  readonly callerName: string;
  /** host:port that the caller sends from. */
  readonly remote: string;
  readonly destination: string;
  readonly callId: string | undefined;
  /** host:port of the profile. */
  readonly local: string;
}

/** The caller leg when its INVITE has been parsed. */
export function inboundVariables(call: InboundCall): Variables {
  const [remoteHost = ADDRESS, remotePort = '5060'] = call.remote.split(':');
  const { callId = `${randomUUID()}@${remoteHost}` } = call;
  return [
    ['direction', 'inbound'],
    ['uuid', call.uuid],
    ['channel_name', call.channelName],
    // FreeSWITCH sets no variable to text that it would expand (switch_channel_set_variable_var_check).
    ...(callId.includes('${') ? [] : [['sip_call_id', callId] as const]),
    ['sip_network_ip', remoteHost],
    ['sip_network_port', remotePort],
    ['sip_received_ip', remoteHost],
    ['sip_via_protocol', 'udp'],
    ['sip_from_display', call.callerName],
    ...address('from', call.callerNumber, call.remote),
    ...address('req', call.destination, call.local),
    ...address('to', call.destination, call.local),
    ['sofia_profile_name', 'internal'],
    ['max_forwards', '70'],
    ['endpoint_disposition', 'RECEIVED'],
    ['call_uuid', call.uuid],
  ];
}

export interface OutboundCall {
  readonly uuid: string;
  readonly channelName: string;
  readonly gateway: string | undefined;
  /** The SIP profile that sends the INVITE. */
  readonly profile: string;
  readonly number: string;
  /** host:port that the INVITE goes to. */
  readonly host: string;
  readonly callerUuid: string;
}

/** A called leg before the variables of the dial string. */
export const outboundVariables = (call: OutboundCall): Variables => [
  ['direction', 'outbound'],
  ['is_outbound', 'true'],
  ['uuid', call.uuid],
  ...(call.gateway === undefined ? [] : [['sip_gateway_name', call.gateway] as const]),
  ['sip_profile_name', call.gateway === undefined ? call.profile : 'gateway'],
  ['channel_name', call.channelName],
  ['sip_destination_url', `sip:${call.number}@${call.host}`],
  ['max_forwards', '69'],
  ['originator', call.callerUuid],
  ['signal_bond', call.callerUuid],
  ['call_uuid', call.callerUuid],
];

/** A called leg when its INVITE has been sent. */
export const inviteVariables = (call: Pick<OutboundCall, 'number' | 'host' | 'profile'>): Variables => [
  ['sip_req_uri', `${call.number}@${call.host}`],
  ['sofia_profile_name', call.profile],
  ['sip_call_id', randomUUID()],
];
