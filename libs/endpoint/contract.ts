// Generated from the schemas by `npm run generate`; do not edit.

/** Request to the endpoint */
export type EndpointRequest = {
  readonly action: "request";
  /** new: the call has just come in; failed: no target answered (on_fail); redirect: a target answered with SIP 3xx (on_redirect); transfer: a party transferred the call here */
  readonly reason: "new" | "failed" | "redirect" | "transfer";
  /** uuid of the call: the uuid of the caller leg */
  readonly uuid: string;
  /** name of the FreeSWITCH node */
  readonly node: string;
  /** when it happened by the clock of FreeSWITCH, UTC */
  readonly time: string;
  /** number that the caller presents; anonymous when the caller withholds it. Fixed when the call enters */
  readonly caller_id_number: string;
  /** name that the caller presents; Anonymous when the caller withholds it. Fixed when the call enters */
  readonly caller_id_name: string;
  /** number that the caller dialled */
  readonly destination_number: string;
  /** whether the caller asked that its number and name be withheld (Privacy header, or From anonymous) */
  readonly caller_id_withheld: boolean;
  /** number of P-Asserted-Identity or Remote-Party-ID, also of a withheld caller: must not be shown to the called party; empty without one */
  readonly asserted_number: string;
  /** dialplan context of the caller leg */
  readonly context: string;
  /** IP address that the caller's INVITE came from */
  readonly network_addr: string;
  /** Call-ID of the caller leg */
  readonly sip_call_id: string;
  /** number of this request for its call: 1, and one more for each further request, whatever its reason */
  readonly attempt: number;
  /** called legs that ended before this request, in the order tried; empty in the first request */
  readonly tried: readonly ({
    /** uuid of the called leg */
    readonly leg: string;
    /** number dialled on the called leg */
    readonly number: string;
    /** hangup cause of the called leg; NONE for a leg that was connected */
    readonly cause: string;
    /** SIP status with which the called party refused or redirected */
    readonly sip_status?: number | undefined;
    /** reason phrase of that status */
    readonly sip_phrase?: string | undefined;
    /** Reason header of that response */
    readonly sip_reason?: string | undefined;
    /** URI of the Contact header of a redirect (SIP 3xx) */
    readonly redirect_to?: string | undefined;
    /** whether it rang (SIP 180) */
    readonly rang?: boolean | undefined;
    /** whether it sent early media (SDP before the answer) */
    readonly early_media?: boolean | undefined;
    readonly answered?: boolean | undefined;
    /** from its INVITE to its answer or its end */
    readonly ring_ms?: number | undefined;
    /** from its answer to its end, or until it left the call */
    readonly talk_ms?: number | undefined;
  })[];
  /** with reason redirect: URI that the target redirected to */
  readonly redirect_to?: string | undefined;
  /** with reason transfer: the party that transferred the call */
  readonly transferred_by?: "caller" | "callee" | undefined;
  /** with reason transfer by the caller: uuid of the call that the caller left. The called party that stays is the caller leg of this new call */
  readonly transferred_from?: string | undefined;
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
    /** gateway of any sofia profile, or PROFILE::GATEWAY */
    readonly gateway: string;
    /** ring time in seconds, from the INVITE to the answer, early media included. Default: 60 s of FreeSWITCH, without early media */
    readonly timeout?: number | undefined;
    /** seconds before this target starts to ring; only for targets that ring at the same time. Default: 0 */
    readonly delay?: number | undefined;
  } | {
    readonly type: "user";
    /** number to dial */
    readonly number: string | number;
    /** directory user whose registered devices are dialled */
    readonly user: string;
    /** domain of the user. Default: SIP_DOMAIN of the agent, or domain_name of the call */
    readonly domain?: string | undefined;
    /** ring time in seconds, from the INVITE to the answer, early media included. Default: 60 s of FreeSWITCH, without early media */
    readonly timeout?: number | undefined;
    /** seconds before this target starts to ring; only for targets that ring at the same time. Default: 0 */
    readonly delay?: number | undefined;
  } | {
    readonly type: "ip";
    /** number to dial */
    readonly number: string | number;
    /** HOST or HOST:PORT */
    readonly ip: string;
    /** sofia profile that sends the INVITE */
    readonly sofia?: string | undefined;
    /** ring time in seconds, from the INVITE to the answer, early media included. Default: 60 s of FreeSWITCH, without early media */
    readonly timeout?: number | undefined;
    /** seconds before this target starts to ring; only for targets that ring at the same time. Default: 0 */
    readonly delay?: number | undefined;
  } | {
    readonly type: "dialstring";
    readonly dialstring: string;
    /** ring time in seconds, from the INVITE to the answer, early media included. Default: 60 s of FreeSWITCH, without early media */
    readonly timeout?: number | undefined;
    /** seconds before this target starts to ring; only for targets that ring at the same time. Default: 0 */
    readonly delay?: number | undefined;
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
    /** gateway of any sofia profile, or PROFILE::GATEWAY */
    readonly gateway: string;
    /** ring time in seconds, from the INVITE to the answer, early media included. Default: 60 s of FreeSWITCH, without early media */
    readonly timeout?: number | undefined;
    /** seconds before this target starts to ring; only for targets that ring at the same time. Default: 0 */
    readonly delay?: number | undefined;
  } | {
    readonly type: "user";
    /** number to dial */
    readonly number: string | number;
    /** directory user whose registered devices are dialled */
    readonly user: string;
    /** domain of the user. Default: SIP_DOMAIN of the agent, or domain_name of the call */
    readonly domain?: string | undefined;
    /** ring time in seconds, from the INVITE to the answer, early media included. Default: 60 s of FreeSWITCH, without early media */
    readonly timeout?: number | undefined;
    /** seconds before this target starts to ring; only for targets that ring at the same time. Default: 0 */
    readonly delay?: number | undefined;
  } | {
    readonly type: "ip";
    /** number to dial */
    readonly number: string | number;
    /** HOST or HOST:PORT */
    readonly ip: string;
    /** sofia profile that sends the INVITE */
    readonly sofia?: string | undefined;
    /** ring time in seconds, from the INVITE to the answer, early media included. Default: 60 s of FreeSWITCH, without early media */
    readonly timeout?: number | undefined;
    /** seconds before this target starts to ring; only for targets that ring at the same time. Default: 0 */
    readonly delay?: number | undefined;
  } | {
    readonly type: "dialstring";
    readonly dialstring: string;
    /** ring time in seconds, from the INVITE to the answer, early media included. Default: 60 s of FreeSWITCH, without early media */
    readonly timeout?: number | undefined;
    /** seconds before this target starts to ring; only for targets that ring at the same time. Default: 0 */
    readonly delay?: number | undefined;
  })[];
  /** sequential: dial one target after the other; simultaneous: dial all at once, the first one to answer gets the call */
  readonly strategy?: "sequential" | "simultaneous" | undefined;
  /** what happens when no target answered: hangup ends the call with the cause of the last target; request makes another request */
  readonly on_fail?: "hangup" | "request" | undefined;
  /** hangup causes, or SIP statuses such as sip:603 or sip:6xx, after which no further target is tried. Default: FINAL_CAUSES of the agent */
  readonly final_causes?: readonly (string | number)[] | undefined;
  /** what the called party is shown of the caller */
  readonly caller_id?: {
    /** Default: the number that the caller presents */
    readonly number?: string | number | undefined;
    /** Default: number, or the name that the caller presents */
    readonly name?: string | undefined;
    /** none: shown; id: sent as asserted identity with Privacy: id, for the network only; full: withheld. Default: what the caller asked for, none when number is given */
    readonly privacy?: "none" | "id" | "full" | undefined;
  } | undefined;
  /** what the caller is shown of the called party */
  readonly callee_id?: {
    /** Default: the number that the caller dialled */
    readonly number?: string | number | undefined;
    /** Default: number */
    readonly name?: string | undefined;
  } | undefined;
  /** whether X- headers, P-Charge-Info and Diversion of one party are passed on to the other */
  readonly pass_headers?: boolean | undefined;
  /** what a redirect (SIP 3xx) of a target means: fail: the target failed and the next one follows; request: make another request */
  readonly on_redirect?: "fail" | "request" | undefined;
  /** bypass: media flows between the parties, not through FreeSWITCH; proxy: through it unchanged */
  readonly media?: "bypass" | "proxy" | undefined;
  /** notifications of this call. Default: ring, progress, answer, hangup */
  readonly notify?: readonly ("ring" | "progress" | "answer" | "hangup" | "leg_end" | "transfer")[] | undefined;
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
  /** number that the caller presents; anonymous when the caller withholds it. Fixed when the call enters */
  readonly caller_id_number: string;
  /** name that the caller presents; Anonymous when the caller withholds it. Fixed when the call enters */
  readonly caller_id_name: string;
  /** number that the caller dialled */
  readonly destination_number: string;
  /** uuid of the leg that the notification is about; of a transfer: the leg that left the call */
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
  /** number that the caller presents; anonymous when the caller withholds it. Fixed when the call enters */
  readonly caller_id_number: string;
  /** name that the caller presents; Anonymous when the caller withholds it. Fixed when the call enters */
  readonly caller_id_name: string;
  /** number that the caller dialled */
  readonly destination_number: string;
  /** uuid of the leg that the notification is about; of a transfer: the leg that left the call */
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
  /** number that the caller presents; anonymous when the caller withholds it. Fixed when the call enters */
  readonly caller_id_number: string;
  /** name that the caller presents; Anonymous when the caller withholds it. Fixed when the call enters */
  readonly caller_id_name: string;
  /** number that the caller dialled */
  readonly destination_number: string;
  /** uuid of the leg that the notification is about; of a transfer: the leg that left the call */
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
  /** number that the caller presents; anonymous when the caller withholds it. Fixed when the call enters */
  readonly caller_id_number: string;
  /** name that the caller presents; Anonymous when the caller withholds it. Fixed when the call enters */
  readonly caller_id_name: string;
  /** number that the caller dialled */
  readonly destination_number: string;
  /** uuid of the leg that the notification is about; of a transfer: the leg that left the call */
  readonly leg: string;
  /** result of the last request, dialhook_result */
  readonly result?: "decided" | "invalid_arguments" | "refused_url" | "no_router" | "router_timeout" | "overloaded" | "connect_timeout" | "connection_failed" | "tls_failed" | "response_timeout" | "http_status" | "redirect_refused" | "empty_body" | "html_body" | "body_too_large" | "invalid_json" | "invalid_decision" | "user_not_registered" | "too_many_requests" | "caller_gone" | "circuit_open" | "defaulted" | "internal_error" | undefined;
  /** name of the FreeSWITCH hangup cause */
  readonly cause: string;
  /** Q.850 number of the cause */
  readonly q850: number;
  /** last SIP status on the caller leg or the failed called leg */
  readonly sip_status?: number | undefined;
  /** who ended the call */
  readonly hangup_by: "caller" | "callee" | "freeswitch";
  /** from the first INVITE to the end of the call */
  readonly duration_ms: number;
  /** from the INVITE to the first 180 or 183; 0 without one */
  readonly ring_ms: number;
  /** talk time: how long the caller leg was connected with parties that had answered; 0 without an answer */
  readonly billable_ms: number;
  /** called legs in the order tried */
  readonly tried: readonly ({
    /** uuid of the called leg */
    readonly leg: string;
    /** number dialled on the called leg */
    readonly number: string;
    /** hangup cause of the called leg; NONE for a leg that was connected */
    readonly cause: string;
    /** SIP status with which the called party refused or redirected */
    readonly sip_status?: number | undefined;
    /** reason phrase of that status */
    readonly sip_phrase?: string | undefined;
    /** Reason header of that response */
    readonly sip_reason?: string | undefined;
    /** URI of the Contact header of a redirect (SIP 3xx) */
    readonly redirect_to?: string | undefined;
    /** whether it rang (SIP 180) */
    readonly rang?: boolean | undefined;
    /** whether it sent early media (SDP before the answer) */
    readonly early_media?: boolean | undefined;
    readonly answered?: boolean | undefined;
    /** from its INVITE to its answer or its end */
    readonly ring_ms?: number | undefined;
    /** from its answer to its end, or until it left the call */
    readonly talk_ms?: number | undefined;
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
  /** number that the caller presents; anonymous when the caller withholds it. Fixed when the call enters */
  readonly caller_id_number: string;
  /** name that the caller presents; Anonymous when the caller withholds it. Fixed when the call enters */
  readonly caller_id_name: string;
  /** number that the caller dialled */
  readonly destination_number: string;
  /** uuid of the leg that the notification is about; of a transfer: the leg that left the call */
  readonly leg: string;
  /** when the caller leg was created, UTC */
  readonly started: string;
  readonly cause: "UNKNOWN";
  readonly q850: 0;
} | {
  readonly action: "leg_end";
  /** uuid of the call: the uuid of the caller leg */
  readonly uuid: string;
  /** name of the FreeSWITCH node */
  readonly node: string;
  /** when it happened by the clock of FreeSWITCH, UTC */
  readonly time: string;
  /** number that the caller presents; anonymous when the caller withholds it. Fixed when the call enters */
  readonly caller_id_number: string;
  /** name that the caller presents; Anonymous when the caller withholds it. Fixed when the call enters */
  readonly caller_id_name: string;
  /** number that the caller dialled */
  readonly destination_number: string;
  /** uuid of the leg that the notification is about; of a transfer: the leg that left the call */
  readonly leg: string;
  /** number dialled on the called leg */
  readonly called_number: string;
  /** hangup cause of the leg */
  readonly cause: string;
  /** SIP status with which the called party refused or redirected */
  readonly sip_status?: number | undefined;
  /** reason phrase of that status */
  readonly sip_phrase?: string | undefined;
  /** Reason header of that response */
  readonly sip_reason?: string | undefined;
  /** URI of the Contact header of a redirect (SIP 3xx) */
  readonly redirect_to?: string | undefined;
  /** from its INVITE to its answer or its end */
  readonly ring_ms: number;
  /** from its answer to its end, or until it left the call */
  readonly talk_ms: number;
} | {
  readonly action: "transfer";
  /** uuid of the call: the uuid of the caller leg */
  readonly uuid: string;
  /** name of the FreeSWITCH node */
  readonly node: string;
  /** when it happened by the clock of FreeSWITCH, UTC */
  readonly time: string;
  /** number that the caller presents; anonymous when the caller withholds it. Fixed when the call enters */
  readonly caller_id_number: string;
  /** name that the caller presents; Anonymous when the caller withholds it. Fixed when the call enters */
  readonly caller_id_name: string;
  /** number that the caller dialled */
  readonly destination_number: string;
  /** uuid of the leg that the notification is about; of a transfer: the leg that left the call */
  readonly leg: string;
  /** blind: to a number; attended: to a party that the transferor had called (REFER with Replaces); pickup: another phone took the call */
  readonly kind: "blind" | "attended" | "pickup";
  /** the party that transferred; other: an operator, or the phone that picked up */
  readonly by: "caller" | "callee" | "other";
  /** number of the new party */
  readonly to_number?: string | undefined;
  /** uuid of the leg of the new party */
  readonly to_leg?: string | undefined;
  /** uuid of the other call: the one that the called party is the caller of from now on (blind, by the caller), or the one that the new party comes from (attended) */
  readonly to_call?: string | undefined;
};
