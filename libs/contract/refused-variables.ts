/** Channel variables that are refused for one reason. */
interface Group {
  readonly why: string;
  /** Prefixes of names. */
  readonly prefixes: readonly string[];
  /** Complete names. */
  readonly names: readonly string[];
  /** ALLOWED_VARIABLES cannot allow them, because Dialhook depends on them. */
  readonly always?: true;
}

/** Splits at white space. */
const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');

/**
 * The channel variables that an endpoint must not set, found by following every variable that the source of
 * FreeSWITCH 1.11 reads to its use. FreeSWITCH ignores the case of names. The variables are set on called legs, but
 * variables that are read on caller legs are listed too: a called leg can be transferred into the dialplan, and a
 * loopback leg passes all its variables to one.
 */
export const REFUSED_VARIABLES = {
  runs: {
    why: 'they run an application, an API command, a script or a shell',
    prefixes: words(`
      api_ bridge_pre_execute curl_sendfile_ exec_ execute_ group_confirm_ loopback_app opal_api_on_ opal_execute_on_
      record_post_process_exec_ sip_api_on_ sip_execute_on_ system_on_fax_`),
    names: words('httapi_profile loopback_export python_script_path session_in_hangup_hook'),
  },
  steers: {
    why: 'they send the call elsewhere, or change what happens after a bridge fails or ends',
    prefixes: words(`
      campon force_transfer_ hangup_after_ mutex_orbit_ outbound_redirect_ park_ sip_redirect_ transfer_ uuid_bridge_
      valet_`),
    names: words(`
      auto_hunt context continue_on_answer_timeout continue_on_fail destination_number dialplan failure_causes
      group_context hold_hangup_xfer_exten inbound_dialplan inline_destination lcr_context original_destination_number
      originate_continue_on_timeout originate_xfer_zombie rdnis sip_profile socket_resume user_context vm_operator_extension`),
  },
  otherCalls: {
    why: 'they name, take over or listen to another call',
    prefixes: words('attxfer_ eavesdrop_ ent_originate_ intercept_ recovery_'),
    names: words(`
      att_xfer_kill_uuid blind_transfer_uuid bridge_channel bridge_to bridge_uuid call_uuid channel_swap_uuid
      holding_uuid last_bridge_to loopback_from_uuid originate_signal_bond origination_aleg_uuid
      origination_external_id origination_uuid originator other_loopback_from_uuid other_loopback_leg_uuid
      secondary_recovery_module signal_bond signal_bridge_to sip_barging_uuid sip_blind_transfer_event
      soft_holding_uuid spy_uuid uuid xfer_uuids`),
  },
  instructs: {
    why: 'they control an application that the call may reach: a conference, a queue, a page, a voicemail box',
    prefixes: words('cc_ conference_ fifo_ page_ voicemail_'),
    names: words(
      'directory_voicemail_profile json_conference_var_prefix last_transfered_conference outcall_flags supplied_pin',
    ),
  },
  files: {
    why: 'they name a file, a stream or a URL that FreeSWITCH writes, plays or loads',
    prefixes: words('sound_prefix video_pre_call_banner'),
    names: words(`
      audio_spool_path bert_debug_io_file core_video_blank_image drop_dtmf_masking_file esf_multicast_alert_sound
      fax_prefix fax_spool fax_trace_dir hold_music native_backup_extension pa_hold_file pa_ring_file
      playback_delimiter ringback sip_msrp_file_name sip_msrp_local_file_selector sofia_record_file temp_hold_music
      tts_engine tts_voice video_avatar_png video_logo_path video_mute_png video_no_video_avatar_png`),
  },
  folders: {
    why: "they hide a setting of FreeSWITCH of the same name from the operator's dialplan",
    prefixes: [],
    names: words(`
      base_dir cache_dir certs_dir conf_dir core_uuid data_dir db_dir default_password fonts_dir grammar_dir hostname
      htdocs_dir images_dir localstate_dir log_dir mod_dir recordings_dir run_dir script_dir sounds_dir storage_dir
      switchname temp_dir`),
  },
  records: {
    why: "they hide a call from the operator's records or bills, choose the file of the record, or write it into every event",
    prefixes: words('nibble_'),
    names: words(`
      cdr_csv_base disable_app_log failed_json_cdr_prefix failed_xml_cdr_prefix force_process_cdr format_cdr_base
      hangup_complete_with_xml
      json_cdr_base lowbal_amt nobal_amt odbc-cdr-ignore-leg process_cdr skip_cdr_causes xml_cdr_base`),
  },
  route: {
    why: 'they send the INVITE elsewhere than to its target, or replace headers that SIP itself needs',
    prefixes: words('sip_recover_'),
    names: words(`
      enum_nameserver sip_destination_prefix sip_full_route sip_gethostbyname sip_invite_call_id sip_invite_cseq
      sip_invite_full_via sip_invite_record_route sip_invite_req_uri sip_invite_route_uri sip_network_ip
      sip_network_port sip_req_uri sip_route_uri sip_use_gateway
      sip_h_ sip_h_Authorization sip_h_Call-ID sip_h_Contact sip_h_Content-Length sip_h_Content-Type sip_h_CSeq
      sip_h_From sip_h_Max-Forwards sip_h_Proxy-Authorization sip_h_Record-Route sip_h_Refer-To sip_h_Replaces
      sip_h_Route sip_h_To sip_h_Via
      sip_h_c sip_h_f sip_h_i sip_h_l sip_h_m sip_h_r sip_h_t sip_h_v`),
  },
  limits: {
    why: 'they lift a limit that keeps FreeSWITCH and its calls from looping or flooding',
    prefixes: [],
    names: words('limit_backend limit_ignore_transfer max_forwards max_session_transfers no_throttle_limits'),
  },
  own: {
    why: 'Dialhook uses them itself, or they control how FreeSWITCH passes variables on',
    prefixes: words('_nolocal_ bridge_export_vars cti_bridge dialhook_ export_vars'),
    names: words(`
      __proto__ app_disable_expand_variables current_application current_application_data import nolocal
      originate_causes originated_legs origination_nested_vars preserve_originated_vars`),
    always: true,
  },
} as const satisfies Record<string, Group>;

const CALLER_ID = 'caller_id';
const CALLEE_ID = 'callee_id';
const MEDIA = 'media';
const HEADERS = 'pass_headers';

/**
 * Fields of a decision by the variables that they replace. FreeSWITCH reads these variables on the caller leg only, or
 * Dialhook sets them itself, so that they have no effect on a called leg; or the field says the same safely.
 */
export const REPLACED_VARIABLES: Readonly<Record<string, string>> = {
  effective_caller_id_number: `${CALLER_ID}.number`,
  effective_caller_id_name: `${CALLER_ID}.name`,
  caller_id_number: `${CALLER_ID}.number`,
  caller_id_name: `${CALLER_ID}.name`,
  origination_privacy: `${CALLER_ID}.privacy`,
  sip_cid_type: `${CALLER_ID}.privacy`,
  sip_h_privacy: `${CALLER_ID}.privacy`,
  sip_from_uri: CALLER_ID,
  sip_from_display: CALLER_ID,
  sip_invite_from_uri: CALLER_ID,
  sip_invite_full_from: CALLER_ID,
  sip_force_full_from: CALLER_ID,
  sip_handle_full_from: CALLER_ID,
  'sip_h_p-asserted-identity': CALLER_ID,
  'sip_h_p-preferred-identity': CALLER_ID,
  'sip_h_remote-party-id': CALLER_ID,
  effective_callee_id_number: `${CALLEE_ID}.number`,
  effective_callee_id_name: `${CALLEE_ID}.name`,
  initial_callee_id_number: `${CALLEE_ID}.number`,
  initial_callee_id_name: `${CALLEE_ID}.name`,
  origination_callee_id_number: `${CALLEE_ID}.number`,
  origination_callee_id_name: `${CALLEE_ID}.name`,
  callee_id_number: `${CALLEE_ID}.number`,
  callee_id_name: `${CALLEE_ID}.name`,
  sip_callee_id_number: `${CALLEE_ID}.number`,
  sip_callee_id_name: `${CALLEE_ID}.name`,
  ignore_display_updates: CALLEE_ID,
  sip_copy_custom_headers: HEADERS,
  outbound_redirect_fatal: 'on_redirect',
  sip_redirect_fork: 'on_redirect',
  call_timeout: 'timeout of a target',
  leg_timeout: 'timeout of a target',
  leg_delay_start: 'delay of a target',
  bypass_media: MEDIA,
  bypass_media_after_bridge: MEDIA,
  bypass_media_after_att_xfer: MEDIA,
  bypass_media_resume_on_hold: MEDIA,
  proxy_media: MEDIA,
  continue_on_fail: 'final_causes',
  failure_causes: 'final_causes',
  hangup_after_bridge: 'on_fail',
};

/** The field of a decision that replaces a variable; undefined for any other variable. */
export const fieldInstead = (name: string): string | undefined => {
  const key = name.toLowerCase();
  return Object.hasOwn(REPLACED_VARIABLES, key) ? REPLACED_VARIABLES[key] : undefined;
};

const pattern = (groups: readonly Group[]): RegExp => {
  const escaped = (name: string) => name.replaceAll('-', '\\-');
  const prefixes = groups.flatMap((group) => group.prefixes).map(escaped);
  const names = groups.flatMap((group) => group.names).map((name) => `${escaped(name)}$`);
  return new RegExp(`^(?:${[...prefixes, ...names].join('|')})`, 'i');
};

const GROUPS: readonly Group[] = Object.values(REFUSED_VARIABLES);
const REFUSED = pattern(GROUPS);
const NEVER_ALLOWED = pattern(GROUPS.filter(({ always }) => always));

/** Whether an endpoint may set the channel variable with this name. */
export type VariablePolicy = (name: string) => boolean;

/**
 * Refuses the variables of REFUSED_VARIABLES except those in `allowed` (ALLOWED_VARIABLES): names, or prefixes that end
 * with `*`.
 */
export function variablePolicy(allowed: readonly string[] = []): VariablePolicy {
  const patterns = allowed.map((name) => name.toLowerCase());
  const isAllowed = (name: string) =>
    patterns.some((one) => (one.endsWith('*') ? name.startsWith(one.slice(0, -1)) : name === one));
  return (name) => !REFUSED.test(name) || (!NEVER_ALLOWED.test(name) && isAllowed(name.toLowerCase()));
}
