import { exportsOf } from '#test/support/freeswitch/per-call-values.ts';

/**
 * The headers of CHANNEL_HANGUP_COMPLETE that are compared. bridge_hangup_cause only of the caller leg: a called leg may have it or not.
 */
const FACTS = [
  'Hangup-Cause',
  'Answer-State',
  'variable_hangup_cause_q850',
  'variable_originate_disposition',
  'variable_originate_failed_cause',
  'variable_DIALSTATUS',
  'variable_sip_term_status',
  'variable_sip_invite_failure_status',
  'variable_sip_invite_failure_phrase',
  'variable_sip_reason',
  'variable_sip_redirected_to',
  'variable_sip_redirect_contact_user_0',
  'variable_sip_redirect_contact_host_0',
  'Caller-Destination-Number',
  'Caller-Callee-ID-Number',
  'Caller-RDNIS',
  'Other-Type',
  'Other-Leg-Destination-Number',
  'Other-Leg-Caller-ID-Number',
  'variable_sip_hangup_disposition',
  'variable_proto_specific_hangup_cause',
  'variable_last_bridge_hangup_cause',
  'variable_last_bridge_proto_specific_hangup_cause',
  'variable_bridge_hangup_cause',
  'variable_last_bridge_role',
  'variable_last_app',
  'variable_last_arg',
  'variable_current_application',
  'variable_group_dial_status',
  'variable_export_vars',
];

/** Of these only whether they are set is compared. */
const TIMES = ['Created', 'Answered', 'Progress', 'Progress-Media', 'Bridged', 'Transfer', 'Hangup'];

/** Of one event. `version` is the output of FreeSWITCH's `version`: 1.10 does not set sip_reason on a refusal. */
export function factsOf(event: ReadonlyMap<string, unknown>, version: string): Record<string, unknown> {
  const facts = version.includes(' 1.10.') ? FACTS.filter((fact) => fact !== 'variable_sip_reason') : FACTS;
  const factOf = (fact: string): unknown =>
    fact === 'variable_export_vars' ? exportsOf(event.get(fact) as string | undefined) : event.get(fact);
  return Object.fromEntries([
    ...facts.map((fact) => [fact, factOf(fact)]),
    ...TIMES.map((time) => [time, event.get(`Caller-Channel-${time}-Time`) !== '0']),
  ]);
}
