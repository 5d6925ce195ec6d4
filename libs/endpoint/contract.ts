// Generated from the schemas by `npm run generate`; do not edit.

/** Request to the endpoint */
export type EndpointRequest = {
  readonly action: "request";
  /** uuid of the call: the uuid of the caller leg */
  readonly uuid: string;
  /** name of the FreeSWITCH node */
  readonly node: string;
  /** when it happened by the clock of FreeSWITCH, UTC */
  readonly time: string;
  readonly caller_id_number: string;
  readonly caller_id_name: string;
  /** number that the caller dialled */
  readonly destination_number: string;
  /** dialplan context of the caller leg */
  readonly context: string;
  /** IP address that the caller's INVITE came from */
  readonly network_addr: string;
  /** Call-ID of the caller leg */
  readonly sip_call_id: string;
  /** number of this request for its call: 1, and one more for each repetition */
  readonly attempt: number;
  /** called legs that failed before this request, in the order tried; empty in the first request */
  readonly tried: readonly ({
    /** uuid of the called leg */
    readonly leg: string;
    /** number dialled on the called leg */
    readonly number: string;
    /** hangup cause; NONE for a leg that was connected */
    readonly cause: string;
  })[];
  /** channel variables named in REQUEST_VARIABLES of the agent */
  readonly variables: Readonly<Record<string, string>>;
};

/** Decision: answer of the endpoint to a request */
export type Decision = {
  /** channel variables set on the called legs */
  readonly variables?: Readonly<Record<string, string | number | boolean>> | undefined;
  /** where the call goes: a target, a list of targets, or a hangup */
  readonly dial: {
    readonly type: "gateway";
    /** number to dial */
    readonly number: string | number;
    /** gateway of any sofia profile */
    readonly gateway: string;
  } | {
    readonly type: "user";
    /** number to dial */
    readonly number: string | number;
    /** directory user whose registered devices are dialled */
    readonly user: string;
    /** domain of the user. Default: SIP_DOMAIN of the agent, or domain_name of the call */
    readonly domain?: string | undefined;
  } | {
    readonly type: "ip";
    /** number to dial */
    readonly number: string | number;
    /** HOST or HOST:PORT */
    readonly ip: string;
    /** sofia profile that sends the INVITE */
    readonly sofia?: string | undefined;
  } | {
    readonly type: "dialstring";
    readonly dialstring: string;
  } | {
    readonly type: "hangup";
    /** hangup cause, by name or number. Default: NORMAL_CLEARING (16) */
    readonly cause?: string | number | undefined;
    /** SIP status for the caller; takes precedence over cause */
    readonly sipcode?: number | string | undefined;
  } | readonly ({
    readonly type: "gateway";
    /** number to dial */
    readonly number: string | number;
    /** gateway of any sofia profile */
    readonly gateway: string;
  } | {
    readonly type: "user";
    /** number to dial */
    readonly number: string | number;
    /** directory user whose registered devices are dialled */
    readonly user: string;
    /** domain of the user. Default: SIP_DOMAIN of the agent, or domain_name of the call */
    readonly domain?: string | undefined;
  } | {
    readonly type: "ip";
    /** number to dial */
    readonly number: string | number;
    /** HOST or HOST:PORT */
    readonly ip: string;
    /** sofia profile that sends the INVITE */
    readonly sofia?: string | undefined;
  } | {
    readonly type: "dialstring";
    readonly dialstring: string;
  })[];
  /** sequential: dial one target after the other; simultaneous: dial all at once, the first one to answer gets the call */
  readonly strategy?: "sequential" | "simultaneous" | undefined;
  /** what happens when no target answered: hangup ends the call with the cause of the last target; request makes another request */
  readonly on_fail?: "hangup" | "request" | undefined;
  /** hangup causes after which no further target is tried. Default: FINAL_CAUSES of the agent */
  readonly final_causes?: readonly (string | number)[] | undefined;
};

/** Notification to the endpoint */
export type Notification = {
  readonly action: "ring";
  /** uuid of the call: the uuid of the caller leg */
  readonly uuid: string;
  /** name of the FreeSWITCH node */
  readonly node: string;
  /** when it happened by the clock of FreeSWITCH, UTC */
  readonly time: string;
  readonly caller_id_number: string;
  readonly caller_id_name: string;
  /** number that the caller dialled */
  readonly destination_number: string;
  /** uuid of the leg that the notification is about */
  readonly leg: string;
  /** number dialled on the called leg */
  readonly called_number: string;
} | {
  readonly action: "progress";
  /** uuid of the call: the uuid of the caller leg */
  readonly uuid: string;
  /** name of the FreeSWITCH node */
  readonly node: string;
  /** when it happened by the clock of FreeSWITCH, UTC */
  readonly time: string;
  readonly caller_id_number: string;
  readonly caller_id_name: string;
  /** number that the caller dialled */
  readonly destination_number: string;
  /** uuid of the leg that the notification is about */
  readonly leg: string;
  /** number dialled on the called leg */
  readonly called_number: string;
} | {
  readonly action: "answer";
  /** uuid of the call: the uuid of the caller leg */
  readonly uuid: string;
  /** name of the FreeSWITCH node */
  readonly node: string;
  /** when it happened by the clock of FreeSWITCH, UTC */
  readonly time: string;
  readonly caller_id_number: string;
  readonly caller_id_name: string;
  /** number that the caller dialled */
  readonly destination_number: string;
  /** uuid of the leg that the notification is about */
  readonly leg: string;
  /** number dialled on the called leg */
  readonly called_number: string;
} | {
  readonly action: "hangup";
  readonly recovered?: false | undefined;
  /** uuid of the call: the uuid of the caller leg */
  readonly uuid: string;
  /** name of the FreeSWITCH node */
  readonly node: string;
  /** when it happened by the clock of FreeSWITCH, UTC */
  readonly time: string;
  readonly caller_id_number: string;
  readonly caller_id_name: string;
  /** number that the caller dialled */
  readonly destination_number: string;
  /** uuid of the leg that the notification is about */
  readonly leg: string;
  /** result of the last request, dialhook_result */
  readonly result?: "decided" | "invalid_arguments" | "refused_url" | "no_router" | "router_timeout" | "overloaded" | "connect_timeout" | "connection_failed" | "tls_failed" | "response_timeout" | "http_status" | "redirect_refused" | "empty_body" | "html_body" | "body_too_large" | "invalid_json" | "invalid_decision" | "user_not_registered" | "caller_gone" | "circuit_open" | "defaulted" | "internal_error" | undefined;
  /** name of the FreeSWITCH hangup cause */
  readonly cause: string;
  /** Q.850 number of the cause */
  readonly q850: number;
  /** last SIP status on the caller leg or the failed called leg */
  readonly sip_status?: number | undefined;
  /** who ended the call */
  readonly hangup_by: "caller" | "callee" | "freeswitch";
  /** from the INVITE to the end of the call */
  readonly duration_ms: number;
  /** from the INVITE to the first 180 or 183; 0 without one */
  readonly ring_ms: number;
  /** from the answer to the end of the call; 0 without an answer */
  readonly billable_ms: number;
  /** called legs in the order tried */
  readonly tried: readonly ({
    /** uuid of the called leg */
    readonly leg: string;
    /** number dialled on the called leg */
    readonly number: string;
    /** hangup cause; NONE for a leg that was connected */
    readonly cause: string;
  })[];
} | {
  readonly action: "hangup";
  readonly recovered: true;
  /** uuid of the call: the uuid of the caller leg */
  readonly uuid: string;
  /** name of the FreeSWITCH node */
  readonly node: string;
  /** when the agent found that the call had ended, UTC */
  readonly time: string;
  readonly caller_id_number: string;
  readonly caller_id_name: string;
  /** number that the caller dialled */
  readonly destination_number: string;
  /** uuid of the leg that the notification is about */
  readonly leg: string;
  /** when the caller leg was created, UTC */
  readonly started: string;
  readonly cause: "UNKNOWN";
  readonly q850: 0;
};
