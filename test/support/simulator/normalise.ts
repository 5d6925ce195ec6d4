import type { EventHeaders, EventValue } from './frames.ts';

/** The headers that Dialhook, its tests or an operator's dialplan may read: the simulator must send each of them. */
const REQUIRED: readonly RegExp[] = [
  /^(Event-Name|Event-Date-Timestamp|Event-Sequence|Core-UUID|FreeSWITCH-(Hostname|Switchname))$/,
  /^(Unique-ID|Call-Direction|Channel-(State|Name|Call-UUID)|Answer-State|Hangup-Cause|Other-Type)$/,
  /^(Caller|Other-Leg|Channel)-((Orig-)?Caller-ID|Callee-ID)-(Name|Number)$/,
  /^(Caller|Other-Leg|Channel)-(Direction|Network-Addr|Destination-Number|RDNIS|Context|Unique-ID|Channel-Name)$/,
  /^(Caller|Other-Leg|Channel)-(Profile-Created|Channel-(Created|Answered|Progress|Progress-Media|Hangup|Transfer|Bridged))-Time$/,
  /^(Application|Application-Data|Application-UUID|Bridge-[AB]-Unique-ID)$/,
  /^(Content-Type|Content-Length|Content-Disposition|Controlled-Session-UUID|Reply-Text|Socket-Mode|Control)$/,
  /^variable_(direction|is_outbound|uuid|channel_name|call_uuid|max_forwards|signal_bond|endpoint_disposition|socket_host)$/,
  /^variable_(dialhook_\w+|cti_bridge|DP_MATCH|export_vars|current_application(_data)?|last_app|last_arg)$/,
  /^variable_(originat(e|ed|ing|or)\w*|DIALSTATUS|group_dial_status|ignore_\w+)$/,
  /^variable_sip_(call_id|gateway_name|destination_url)$/,
  /^variable_sip_(term_status|term_cause|invite_failure_\w+|hangup_disposition|hangup_phrase)$/,
  /^variable_(hangup_cause(_q850)?|proto_specific_hangup_cause|last_bridge_\w+|bridge_(to|channel|uuid|hangup_cause))$/,
  /^variable_([mu]?duration|(bill|progress|answer|wait|progress_media)[mu]?sec)$/,
];
const NOT_CONSUMED = /^variable_originat(e_early_media_codec|or_codec)|^variable_originator_codec$/;

/** Of these only the presence is compared. */
const ONLY_PRESENCE: readonly RegExp[] = [
  /^Event-Sequence$/,
  // Durations: the recordings' clock advances in steps of up to 20 ms.
  /^variable_[mu]?duration$/,
  /^variable_(bill|progress|answer|wait|progress_media)[mu]?sec$/,
  // The simulator has no SIP dialogs.
  /^variable_sip_(call_id|(reply|network|from|to|contact)_port)$/,
];

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const TIME = /-Time$|-Timestamp$/;
const PORT = /(127\.0\.0\.1):\d+/g;

/** `caller` for the caller's uuid, and `leg to NUMBER` for that of each called leg. */
export type Roles = ReadonlyMap<string, string>;

export function rolesOf(events: readonly EventHeaders[], callerUuid: string): Roles {
  const roles = new Map([[callerUuid, 'caller']]);
  for (const event of events) {
    const uuid = String(event.get('Unique-ID'));
    if (!roles.has(uuid)) roles.set(uuid, `leg to ${String(event.get('Caller-Destination-Number'))}`);
  }
  return roles;
}

/**
 * Headers sorted by name, with values that differ from call to call replaced: uuids by roles, times by whether they are
 * set. FreeSWITCH moves a variable to the end whenever it sets it again, so the order is not compared.
 */
export const normalise = (headers: EventHeaders, roles: Roles): Record<string, EventValue> =>
  Object.fromEntries(
    [...headers]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => [name, normaliseValue(name, value, roles)]),
  );

/** FreeSWITCH's headers without those that the simulator may leave out and has left out. */
export const comparable = (
  real: Record<string, EventValue>,
  simulated: Record<string, EventValue> | undefined,
): Record<string, EventValue> =>
  Object.fromEntries(
    Object.entries(real).filter(
      ([name]) =>
        (simulated !== undefined && name in simulated) ||
        (REQUIRED.some((pattern) => pattern.test(name)) && !NOT_CONSUMED.test(name)),
    ),
  );

function normaliseValue(name: string, value: EventValue, roles: Roles): EventValue {
  if (ONLY_PRESENCE.some((pattern) => pattern.test(name))) return 'present';
  if (typeof value !== 'string') return value.map((one) => String(normaliseValue(name, one, roles)));
  if (TIME.test(name)) return value === '0' ? 'never' : 'some time';
  return value.replace(UUID, (uuid) => roles.get(uuid) ?? 'a uuid').replace(PORT, '$1:port');
}
