import type { Random } from '#libs/simulator/random.ts';
import type { Value } from '#libs/simulator/switch/variables.ts';

/** The variables that mod_sofia puts on a channel, in the order and with the values seen on the wire. */

const ADDRESS = '127.0.0.1';

const sdp = (origin: string, port: number, lines: readonly string[]): string =>
  `${['v=0', `o=${origin} IN IP4 ${ADDRESS}`, 's=-', `c=IN IP4 ${ADDRESS}`, 't=0 0', `m=audio ${port} RTP/AVP 0`, ...lines].join('\r\n')}\r\n`;

export const remoteSdp = (port: number): string =>
  sdp('user1 53655765 2353687637', port, ['a=rtpmap:0 PCMU/8000']);

const localSdp = (port: number): string =>
  sdp('FreeSWITCH 1795409850 1795409851', port, ['a=rtpmap:0 PCMU/8000', 'a=ptime:20', 'a=sendrecv']);

const tag = (random: Random): string => random.uuid().replaceAll('-', '').slice(0, 13).toUpperCase();

/** sip_from_user, sip_from_port, ...: the parts of one SIP address. */
function address(prefix: string, user: string, host: string): [string, string][] {
  const [name = host, port] = host.split(':');
  const parts: [string, string][] = [[`sip_${prefix}_user`, user]];
  if (port !== undefined) parts.push([`sip_${prefix}_port`, port]);
  parts.push([`sip_${prefix}_uri`, `${user}@${host}`], [`sip_${prefix}_host`, name]);
  return parts;
}

const CODEC: readonly [string, string][] = [
  ['rtp_audio_recv_pt', '0'],
  ['rtp_use_codec_name', 'PCMU'],
  ['rtp_use_codec_rate', '8000'],
  ['rtp_use_codec_ptime', '20'],
  ['rtp_use_codec_channels', '1'],
  ['rtp_last_audio_codec_string', 'PCMU@8000h@20i@1c'],
  ['read_codec', 'PCMU'],
  ['original_read_codec', 'PCMU'],
  ['read_rate', '8000'],
  ['original_read_rate', '8000'],
  ['write_codec', 'PCMU'],
  ['write_rate', '8000'],
  ['dtmf_type', 'info'],
];

const REMOTE_MEDIA: readonly [string, string][] = [
  ['remote_video_media_flow', 'inactive'],
  ['remote_text_media_flow', 'inactive'],
  ['remote_audio_media_flow', 'sendrecv'],
  ['audio_media_flow', 'sendrecv'],
];

export interface InboundCall {
  readonly uuid: string;
  readonly sessionId: number;
  readonly channelName: string;
  readonly callerNumber: string;
  readonly callerName: string;
  /** host:port that the caller sends from. */
  readonly remote: string;
  readonly destination: string;
  /** host:port of the profile. */
  readonly local: string;
  readonly createdAt: number;
}

/** A channel whose INVITE has been parsed and whose offer has been negotiated. */
export function inboundVariables(call: InboundCall, random: Random): [string, Value][] {
  const [remoteHost = ADDRESS, remotePort = '5060'] = call.remote.split(':');
  const fromTag = tag(random);
  return [
    ['direction', 'inbound'],
    ['uuid', call.uuid],
    ['session_id', String(call.sessionId)],
    ...address('from', call.callerNumber, call.remote),
    ['video_media_flow', 'disabled'],
    ['text_media_flow', 'disabled'],
    ['channel_name', call.channelName],
    ['sip_call_id', `${random.uuid()}@${remoteHost}`],
    ['sip_local_network_addr', ADDRESS],
    ['sip_network_ip', remoteHost],
    ['sip_network_port', remotePort],
    ['sip_invite_stamp', String(call.createdAt)],
    ['sip_received_ip', remoteHost],
    ['sip_received_port', remotePort],
    ['sip_via_protocol', 'udp'],
    ['sip_from_user_stripped', call.callerNumber],
    ['sip_from_tag', fromTag],
    ['sofia_profile_name', 'internal'],
    ['sofia_profile_url', `sip:mod_sofia@${call.local}`],
    ['recovery_profile_name', 'internal'],
    ['sip_full_via', `SIP/2.0/UDP ${call.remote};branch=z9hG4bK-${fromTag}`],
    ['sip_from_display', call.callerName],
    ['sip_full_from', `"${call.callerName}" <sip:${call.callerNumber}@${call.remote}>;tag=${fromTag}`],
    ['sip_full_to', `<sip:${call.destination}@${call.local}>`],
    ...address('req', call.destination, call.local),
    ...address('to', call.destination, call.local),
    ...address('contact', call.callerNumber, call.remote),
    ['sip_via_host', remoteHost],
    ['sip_via_port', remotePort],
    ['max_forwards', '70'],
    ['switch_r_sdp', remoteSdp(8301)],
    ['ep_codec_string', 'CORE_PCM_MODULE.PCMU@8000h@20i@64000b'],
    ['rtp_use_codec_string', 'PCMU,PCMA'],
    ...REMOTE_MEDIA,
    ['remote_media_ip', remoteHost],
    ['remote_media_port', '8301'],
    ...CODEC,
    ['endpoint_disposition', 'RECEIVED'],
    ['DP_MATCH', [call.destination, call.destination]],
    ['call_uuid', call.uuid],
  ];
}

export interface OutboundCall {
  readonly uuid: string;
  readonly sessionId: number;
  readonly channelName: string;
  readonly gateway: string | undefined;
  /** The SIP profile that sends the INVITE. */
  readonly profile: string;
  readonly number: string;
  /** host:port the INVITE goes to. */
  readonly host: string;
  readonly callerNumber: string;
  readonly callerUuid: string;
}

/** A called channel as the endpoint made it, before the variables of the dial string. */
export function outboundVariables(call: OutboundCall): [string, Value][] {
  return [
    ['direction', 'outbound'],
    ['is_outbound', 'true'],
    ['uuid', call.uuid],
    ['session_id', String(call.sessionId)],
    ...(call.gateway === undefined
      ? []
      : ([['sip_gateway_name', call.gateway]] satisfies [string, string][])),
    ['sip_profile_name', call.gateway === undefined ? call.profile : 'gateway'],
    ['text_media_flow', 'disabled'],
    ['channel_name', call.channelName],
    ['sip_destination_url', `sip:${call.number}@${call.host}`],
    ['max_forwards', '69'],
    ['originator_codec', 'PCMU@8000h@20i'],
    ['originator', call.callerUuid],
    ['signal_bond', call.callerUuid],
    ['switch_m_sdp', remoteSdp(8301)],
    ['call_uuid', call.callerUuid],
  ];
}

/** What sending the INVITE leaves on the called channel. */
export function inviteVariables(call: OutboundCall, codecs: string, random: Random): [string, Value][] {
  const local = call.profile === 'internal' ? `${ADDRESS}:5060` : `${ADDRESS}:5080`;
  const port = 16_384 + random.below(16_384);
  const contact = call.gateway === undefined ? 'mod_sofia' : `gw+${call.gateway}`;
  const ending = call.gateway === undefined ? '' : `;transport=udp;gw=${call.gateway}`;
  const [host = ADDRESS, remotePort = '5060'] = call.host.split(':');
  return [
    ['rtp_use_codec_string', codecs],
    ['local_media_ip', ADDRESS],
    ['local_media_port', String(port)],
    ['advertised_media_ip', ADDRESS],
    ['audio_media_flow', 'sendrecv'],
    ['video_media_flow', 'inactive'],
    ['rtp_local_sdp_str', localSdp(port)],
    ['sip_outgoing_contact_uri', `<sip:${contact}@${local}${ending}>`],
    ['sip_req_uri', `${call.number}@${call.host}`],
    ['sip_to_host', call.host],
    ['sip_from_host', call.host],
    ['sofia_profile_name', call.profile],
    ['recovery_profile_name', call.profile],
    ['sofia_profile_url', `sip:mod_sofia@${local}`],
    ['sip_call_id', random.uuid()],
    ['sip_local_network_addr', ADDRESS],
    ['sip_reply_host', host],
    ['sip_reply_port', remotePort],
    ['sip_network_ip', host],
    ['sip_network_port', remotePort],
  ];
}

/** What the first provisional or successful response with a To tag leaves on the called channel. */
export function dialogVariables(call: OutboundCall, callerName: string, random: Random): [string, Value][] {
  const fromUser = call.gateway === undefined ? call.callerNumber : 'x';
  const fromTag = tag(random);
  const toTag = tag(random);
  const via = `SIP/2.0/UDP ${ADDRESS}:5080;rport;branch=z9hG4bK${tag(random)}`;
  return [
    ['sip_recover_contact', `<sip:${call.host};transport=UDP>`],
    ['sip_full_via', via],
    ['sip_recover_via', via],
    ['sip_from_display', callerName],
    ['sip_full_from', `"${callerName}" <sip:${fromUser}@${call.host}>;tag=${fromTag}`],
    ['sip_full_to', `<sip:${call.number}@${call.host}>;tag=${toTag}`],
    ...address('from', fromUser, call.host),
    ...address('to', call.number, call.host),
    ['sip_contact_params', 'transport=UDP'],
    ...address('contact', 'nobody', call.host),
    ['sip_to_tag', toTag],
    ['sip_from_tag', fromTag],
    ['sip_cseq', String(100_000_000 + random.below(100_000_000))],
  ];
}

/** What an SDP answer from the called side leaves on its channel: early with 183, complete with 200. */
export const earlyMediaVariables = (): [string, Value][] => [
  ['ep_codec_string', 'CORE_PCM_MODULE.PCMU@8000h@20i@64000b'],
  ['switch_r_sdp', remoteSdp(8101)],
];

export const answeredMediaVariables = (host: string, random: Random): [string, Value][] => [
  ...earlyMediaVariables(),
  ...REMOTE_MEDIA,
  ...CODEC,
  ...rtpVariables(random),
  ['remote_media_ip', host.split(':')[0] ?? ADDRESS],
  ['remote_media_port', '8101'],
];

/** What sending an SDP answer to the caller leaves on its channel. */
export function callerMediaVariables(random: Random): [string, Value][] {
  const port = 16_384 + random.below(16_384);
  return [
    ['switch_m_sdp', remoteSdp(8101)],
    ['rtp_local_sdp_str', localSdp(port)],
    ['local_media_ip', ADDRESS],
    ['local_media_port', String(port)],
    ['advertised_media_ip', ADDRESS],
    ...rtpVariables(random),
  ];
}

/** A caller that is answered without early media first is told that there is neither video nor text. */
export const AUDIO_ONLY: readonly [string, string][] = [
  ['video_media_flow', 'inactive'],
  ['text_media_flow', 'inactive'],
];

const rtpVariables = (random: Random): [string, Value][] => [
  ['rtp_use_timer_name', 'soft'],
  ['rtp_use_pt', '0'],
  ['rtp_use_ssrc', String(random.below(2 ** 32))],
];

/** switch_core_media_set_stats, on a channel that had media. */
export const RTP_STATISTICS: readonly [string, string][] = [
  ...[
    'raw_bytes',
    'media_bytes',
    'packet_count',
    'media_packet_count',
    'skip_packet_count',
    'jitter_packet_count',
    'dtmf_packet_count',
    'cng_packet_count',
    'flush_packet_count',
    'largest_jb_size',
  ].map((name): [string, string] => [`rtp_audio_in_${name}`, '0']),
  ...[
    'jitter_min_variance',
    'jitter_max_variance',
    'jitter_loss_rate',
    'jitter_burst_rate',
    'mean_interval',
  ].map((name): [string, string] => [`rtp_audio_in_${name}`, '0.00']),
  ['rtp_audio_in_flaw_total', '0'],
  ['rtp_audio_in_quality_percentage', '100.00'],
  ['rtp_audio_in_mos', '4.50'],
  ...[
    'raw_bytes',
    'media_bytes',
    'packet_count',
    'media_packet_count',
    'skip_packet_count',
    'dtmf_packet_count',
    'cng_packet_count',
  ].map((name): [string, string] => [`rtp_audio_out_${name}`, '0']),
  ['rtp_audio_rtcp_packet_count', '0'],
  ['rtp_audio_rtcp_octet_count', '0'],
];
