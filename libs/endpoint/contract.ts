// Generated from the schemas by `npm run generate`; do not edit.

/** What the endpoint is asked */
export type EndpointRequest = {
  readonly action: "request";
  /** the call's uuid: the caller's channel in FreeSWITCH */
  readonly uuid: string;
  /** the name of the FreeSWITCH node */
  readonly node: string;
  /** when FreeSWITCH saw it, UTC */
  readonly time: string;
  readonly caller_id_number: string;
  readonly caller_id_name: string;
  /** the number the caller dialled */
  readonly destination_number: string;
  /** the dialplan context */
  readonly context: string;
  /** the caller's network address */
  readonly network_addr: string;
  readonly sip_call_id: string;
  /** 1, and one more each time the same call is asked about again */
  readonly attempt: number;
  /** the called legs that failed before, when the call is asked about again */
  readonly tried: readonly ({
    readonly leg: string;
    readonly number: string;
    readonly cause: string;
  })[];
  /** the channel variables named in the agent's REQUEST_VARIABLES */
  readonly variables: Readonly<Record<string, string>>;
};

/** What the endpoint answers */
export type Decision = {
  /** channel variables set on the called leg */
  readonly variables?: Readonly<Record<string, string | number | boolean>> | undefined;
  /** where the call goes: one target, a list of targets tried in order, or a hangup */
  readonly dial: {
    readonly type: "gateway";
    /** the number to dial */
    readonly number: string | number;
    /** a gateway of any sofia profile */
    readonly gateway: string;
  } | {
    readonly type: "user";
    /** the number to dial */
    readonly number: string | number;
    /** the registered user whose device takes the call */
    readonly user: string;
    /** the user's domain; the agent's SIP_DOMAIN or the call's domain without it */
    readonly domain?: string | undefined;
  } | {
    readonly type: "ip";
    /** the number to dial */
    readonly number: string | number;
    /** HOST or HOST:PORT */
    readonly ip: string;
    /** the sofia profile that sends the call */
    readonly sofia?: string | undefined;
  } | {
    readonly type: "dialstring";
    readonly dialstring: string;
  } | {
    readonly type: "hangup";
    /** hangup cause, by number or name; NORMAL_CLEARING (16) when neither cause nor sipcode is given */
    readonly cause?: string | number | undefined;
    /** SIP status for the caller; wins over cause when both are given */
    readonly sipcode?: number | string | undefined;
  } | readonly ({
    readonly type: "gateway";
    /** the number to dial */
    readonly number: string | number;
    /** a gateway of any sofia profile */
    readonly gateway: string;
  } | {
    readonly type: "user";
    /** the number to dial */
    readonly number: string | number;
    /** the registered user whose device takes the call */
    readonly user: string;
    /** the user's domain; the agent's SIP_DOMAIN or the call's domain without it */
    readonly domain?: string | undefined;
  } | {
    readonly type: "ip";
    /** the number to dial */
    readonly number: string | number;
    /** HOST or HOST:PORT */
    readonly ip: string;
    /** the sofia profile that sends the call */
    readonly sofia?: string | undefined;
  } | {
    readonly type: "dialstring";
    readonly dialstring: string;
  })[];
  /** sequential: one target after the other; simultaneous: all at once, the first to answer wins */
  readonly strategy?: "sequential" | "simultaneous" | undefined;
  /** when no target answered: hang up with the last one's cause, or ask the endpoint again */
  readonly on_fail?: "hangup" | "request" | undefined;
  /** causes after which no further target is tried; the agent's FINAL_CAUSES without it */
  readonly final_causes?: readonly (string | number)[] | undefined;
};

/** What the endpoint is told */
export type Notification = {
  readonly action: "ring";
  /** the call's uuid: the caller's channel in FreeSWITCH */
  readonly uuid: string;
  /** the name of the FreeSWITCH node */
  readonly node: string;
  /** when FreeSWITCH saw it, UTC */
  readonly time: string;
  readonly caller_id_number: string;
  readonly caller_id_name: string;
  /** the number the caller dialled */
  readonly destination_number: string;
  /** the uuid of the leg this is about */
  readonly leg: string;
  /** the number dialled on the called leg */
  readonly called_number: string;
} | {
  readonly action: "progress";
  /** the call's uuid: the caller's channel in FreeSWITCH */
  readonly uuid: string;
  /** the name of the FreeSWITCH node */
  readonly node: string;
  /** when FreeSWITCH saw it, UTC */
  readonly time: string;
  readonly caller_id_number: string;
  readonly caller_id_name: string;
  /** the number the caller dialled */
  readonly destination_number: string;
  /** the uuid of the leg this is about */
  readonly leg: string;
  /** the number dialled on the called leg */
  readonly called_number: string;
} | {
  readonly action: "answer";
  /** the call's uuid: the caller's channel in FreeSWITCH */
  readonly uuid: string;
  /** the name of the FreeSWITCH node */
  readonly node: string;
  /** when FreeSWITCH saw it, UTC */
  readonly time: string;
  readonly caller_id_number: string;
  readonly caller_id_name: string;
  /** the number the caller dialled */
  readonly destination_number: string;
  /** the uuid of the leg this is about */
  readonly leg: string;
  /** the number dialled on the called leg */
  readonly called_number: string;
} | {
  readonly action: "hangup";
  readonly recovered?: false | undefined;
  /** the call's uuid: the caller's channel in FreeSWITCH */
  readonly uuid: string;
  /** the name of the FreeSWITCH node */
  readonly node: string;
  /** when FreeSWITCH saw it, UTC */
  readonly time: string;
  readonly caller_id_number: string;
  readonly caller_id_name: string;
  /** the number the caller dialled */
  readonly destination_number: string;
  /** the uuid of the leg this is about */
  readonly leg: string;
  /** dialhook_result: how the call's decision ended */
  readonly result?: "decided" | "invalid_arguments" | "refused_url" | "no_router" | "router_timeout" | "overloaded" | "connect_timeout" | "connection_failed" | "tls_failed" | "response_timeout" | "http_status" | "redirect_refused" | "empty_body" | "html_body" | "body_too_large" | "invalid_json" | "invalid_decision" | "user_not_registered" | "caller_gone" | "circuit_open" | "defaulted" | "internal_error" | undefined;
  /** the hangup cause's name in FreeSWITCH */
  readonly cause: string;
  /** the cause as a Q.850 number */
  readonly q850: number;
  /** the last SIP status on the caller or the failed called leg */
  readonly sip_status?: number | undefined;
  readonly hangup_by: "caller" | "callee" | "freeswitch";
  /** from the INVITE to the end */
  readonly duration_ms: number;
  /** from the INVITE to 180 or 183; 0 when neither came */
  readonly ring_ms: number;
  /** from the answer to the end; 0 when not answered */
  readonly billable_ms: number;
  /** the called legs in the order tried, each with its cause; NONE for the one that was connected */
  readonly tried: readonly ({
    readonly leg: string;
    readonly number: string;
    readonly cause: string;
  })[];
} | {
  readonly action: "hangup";
  readonly recovered: true;
  /** the call's uuid: the caller's channel in FreeSWITCH */
  readonly uuid: string;
  /** the name of the FreeSWITCH node */
  readonly node: string;
  /** when the agent found the call gone, UTC: it ended before that */
  readonly time: string;
  readonly caller_id_number: string;
  readonly caller_id_name: string;
  /** the number the caller dialled */
  readonly destination_number: string;
  /** the uuid of the leg this is about */
  readonly leg: string;
  /** when the call came in, UTC */
  readonly started: string;
  readonly cause: "UNKNOWN";
  readonly q850: 0;
};
