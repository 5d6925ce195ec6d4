/** Channel variables with one power over FreeSWITCH, by the beginnings of their names and by whole names. */
interface Group {
  readonly why: string;
  readonly beginnings: readonly string[];
  readonly names: readonly string[];
  /** Not even the operator can allow them: Dialhook itself rests on them. */
  readonly always?: true;
}

/** A short table stays a table: words of one string. */
const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');

/**
 * The channel variables an endpoint may not set, found in the source of FreeSWITCH 1.11 by following every variable
 * that is read to what is done with it. FreeSWITCH compares names without regard to case. It is a called leg that
 * gets the variables; but a leg can be transferred, and a loopback leg hands all it has to a dialplan, so what is read
 * on a caller's leg counts as well.
 */
export const REFUSED_VARIABLES = {
  runs: {
    why: 'they run an application, an API command, a script or a shell',
    beginnings: words(`
      api_ bridge_pre_execute curl_sendfile_ exec_ execute_ group_confirm_ loopback_app opal_api_on_ opal_execute_on_
      record_post_process_exec_ sip_api_on_ sip_execute_on_ system_on_fax_`),
    names: words('httapi_profile loopback_export python_script_path session_in_hangup_hook'),
  },
  steers: {
    why: 'they send the call elsewhere, or change what a failed or ended bridge leads to',
    beginnings: words(`
      campon force_transfer_ hangup_after_ mutex_orbit_ outbound_redirect_ park_ sip_redirect_ transfer_ uuid_bridge_
      valet_`),
    names: words(`
      auto_hunt context continue_on_answer_timeout continue_on_fail destination_number dialplan failure_causes
      group_context hold_hangup_xfer_exten inbound_dialplan inline_destination lcr_context original_destination_number
      originate_continue_on_timeout originate_xfer_zombie rdnis sip_profile socket_resume user_context vm_operator_extension`),
  },
  otherCalls: {
    why: 'they name, take over or listen to another call',
    beginnings: words('attxfer_ eavesdrop_ ent_originate_ intercept_ recovery_'),
    names: words(`
      att_xfer_kill_uuid blind_transfer_uuid bridge_channel bridge_to bridge_uuid call_uuid channel_swap_uuid
      holding_uuid last_bridge_to loopback_from_uuid originate_signal_bond origination_aleg_uuid
      origination_external_id origination_uuid originator other_loopback_from_uuid other_loopback_leg_uuid
      secondary_recovery_module signal_bond signal_bridge_to sip_barging_uuid sip_blind_transfer_event
      soft_holding_uuid spy_uuid uuid xfer_uuids`),
  },
  instructs: {
    why: 'they instruct an application the call may come to: a conference, a queue, a page, a voicemail box',
    beginnings: words('cc_ conference_ fifo_ page_ voicemail_'),
    names: words(
      'directory_voicemail_profile json_conference_var_prefix last_transfered_conference outcall_flags supplied_pin',
    ),
  },
  files: {
    why: 'they name a file, a stream or a URL that FreeSWITCH writes, plays or loads',
    beginnings: words('sound_prefix video_pre_call_banner'),
    names: words(`
      audio_spool_path bert_debug_io_file core_video_blank_image drop_dtmf_masking_file esf_multicast_alert_sound
      fax_prefix fax_spool fax_trace_dir hold_music native_backup_extension pa_hold_file pa_ring_file
      playback_delimiter ringback sip_msrp_file_name sip_msrp_local_file_selector sofia_record_file temp_hold_music
      tts_engine tts_voice video_avatar_png video_logo_path video_mute_png video_no_video_avatar_png`),
  },
  folders: {
    why: "they stand before a setting of FreeSWITCH of the same name in the operator's own dialplan",
    beginnings: [],
    names: words(`
      base_dir cache_dir certs_dir conf_dir core_uuid data_dir db_dir default_password fonts_dir grammar_dir hostname
      htdocs_dir images_dir localstate_dir log_dir mod_dir recordings_dir run_dir script_dir sounds_dir storage_dir
      switchname temp_dir`),
  },
  records: {
    why: "they hide a call from the operator's records or bills, choose the file of the record, or write it into every event",
    beginnings: words('nibble_'),
    names: words(`
      cdr_csv_base disable_app_log failed_json_cdr_prefix failed_xml_cdr_prefix force_process_cdr format_cdr_base
      hangup_complete_with_xml
      json_cdr_base lowbal_amt nobal_amt odbc-cdr-ignore-leg process_cdr skip_cdr_causes xml_cdr_base`),
  },
  route: {
    why: 'they send the INVITE elsewhere than its target says, or stand for headers that SIP itself needs',
    beginnings: words('sip_recover_'),
    names: words(`
      enum_nameserver sip_destination_prefix sip_full_route sip_gethostbyname sip_invite_call_id sip_invite_cseq
      sip_invite_full_via sip_invite_record_route sip_invite_req_uri sip_invite_route_uri sip_network_ip
      sip_network_port sip_req_uri sip_route_uri sip_use_gateway
      sip_h_ sip_h_Authorization sip_h_Call-ID sip_h_Contact sip_h_Content-Length sip_h_Content-Type sip_h_CSeq
      sip_h_From sip_h_Max-Forwards sip_h_Proxy-Authorization sip_h_Record-Route sip_h_Refer-To sip_h_Replaces
      sip_h_Route sip_h_To sip_h_Via`),
  },
  limits: {
    why: 'they lift a limit that keeps FreeSWITCH and its calls from looping or flooding',
    beginnings: [],
    names: words('limit_backend limit_ignore_transfer max_forwards max_session_transfers no_throttle_limits'),
  },
  own: {
    why: "Dialhook's own means, and how FreeSWITCH hands variables on",
    beginnings: words('_nolocal_ bridge_export_vars cti_bridge dialhook_ export_vars'),
    names: words(`
      __proto__ app_disable_expand_variables current_application current_application_data import nolocal
      originate_causes originated_legs origination_nested_vars preserve_originated_vars`),
    always: true,
  },
} as const satisfies Record<string, Group>;

const pattern = (groups: readonly Group[]): RegExp => {
  const escaped = (name: string) => name.replaceAll('-', '\\-');
  const beginnings = groups.flatMap((group) => group.beginnings).map(escaped);
  const names = groups.flatMap((group) => group.names).map((name) => `${escaped(name)}$`);
  return new RegExp(`^(?:${[...beginnings, ...names].join('|')})`, 'i');
};

const GROUPS: readonly Group[] = Object.values(REFUSED_VARIABLES);
const REFUSED = pattern(GROUPS);
const NEVER_ALLOWED = pattern(GROUPS.filter(({ always }) => always));

/** Whether a channel variable may be set by an endpoint. */
export type VariablePolicy = (name: string) => boolean;

/** Refuses every variable of REFUSED_VARIABLES but those that the operator allows: names, or beginnings with a `*`. */
export function variablePolicy(allowed: readonly string[] = []): VariablePolicy {
  const wanted = allowed.map((name) => name.toLowerCase());
  const isAllowed = (name: string) =>
    wanted.some((one) => (one.endsWith('*') ? name.startsWith(one.slice(0, -1)) : name === one));
  return (name) => !REFUSED.test(name) || (!NEVER_ALLOWED.test(name) && isAllowed(name.toLowerCase()));
}
