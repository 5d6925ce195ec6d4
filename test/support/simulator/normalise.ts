import type { EventHeaders, EventValue } from './frames.ts';

/** Set by the SIP stack's thread: whether an event of the call's thread has them already varies from call to call. */
export const LEFT_OUT: readonly RegExp[] = [
  /^variable_sip_cseq$/,
  /^variable_(switch_m_sdp|(text|video)_media_flow)$/,
];

/**
 * Every other header that FreeSWITCH sent is compared, and none may be sent that it did not. What differs from call to call
 * becomes what it stands for: whose uuid it is, whether a time is set. Of the headers below only the presence counts.
 */
export const ONLY_PRESENCE: readonly RegExp[] = [
  // of the machine and of the moment
  /^FreeSWITCH-IPv[46]$/,
  /^Event-(Date-Local|Date-GMT|Sequence)$/,
  /^variable_session_id$/,
  /_stamp$/,
  // how long things took; the recordings' clock stands still for up to 20 ms
  /^variable_[mu]?duration$/,
  /^variable_(bill|progress|answer|wait|progress_media|flow_bill)[mu]?sec$/,
  // of the SIP dialogs and of the media that the simulator does not have
  /^variable_sip_(call_id|(from|to)_tag|full_(via|from|to)|recover_via)$/,
  /^variable_(sip_(reply|network|from|to|contact)|local_media|remote_media)_port$/,
  /_sdp(_str)?$/,
  /^variable_rtp_(use_ssrc|audio_in_skip_packet_count)$/,
];

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const TIME = /-Time$|_u?epoch$|-Timestamp$/;
const PORT = /(127\.0\.0\.1):\d+/g;

/** The caller's uuid, and that of each called leg by the number it dialled. */
export type Roles = ReadonlyMap<string, string>;

export function rolesOf(events: readonly EventHeaders[], callerUuid: string): Roles {
  const roles = new Map([[callerUuid, 'caller']]);
  for (const event of events) {
    const uuid = String(event.get('Unique-ID'));
    if (!roles.has(uuid)) roles.set(uuid, `leg to ${String(event.get('Caller-Destination-Number'))}`);
  }
  return roles;
}

/** Sorted by name: FreeSWITCH moves a variable to the end whenever it sets it again. */
export const normalise = (headers: EventHeaders, roles: Roles): Record<string, EventValue> =>
  Object.fromEntries(
    [...headers]
      .filter(([name]) => !LEFT_OUT.some((pattern) => pattern.test(name)))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => [name, normaliseValue(name, value, roles)]),
  );

function normaliseValue(name: string, value: EventValue, roles: Roles): EventValue {
  if (ONLY_PRESENCE.some((pattern) => pattern.test(name))) return 'present';
  if (typeof value !== 'string') return value.map((one) => String(normaliseValue(name, one, roles)));
  if (TIME.test(name)) return value === '0' ? 'never' : 'some time';
  return value.replace(UUID, (uuid) => roles.get(uuid) ?? 'a uuid').replace(PORT, '$1:port');
}
