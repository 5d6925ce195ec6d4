// Generated from the schemas by `npm run generate`; do not edit.

/** Request to the endpoint */
export type EndpointRequest = {
  readonly action: "request";
  /** new: the call has just come in; failed: no target answered (on_fail); redirect: a target answered with SIP 3xx (on_redirect); transfer: a party transferred the call here; digits: the caller has typed, or has not (collect) */
  readonly reason: "new" | "failed" | "redirect" | "transfer" | "digits";
  /** id of the call: the uuid of the caller leg in FreeSWITCH, or an id derived from it when it is not safe text */
  readonly uuid: string;
  /** uuid of the caller leg in FreeSWITCH; present only when uuid is derived from it */
  readonly channel_uuid?: string | undefined;
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
  /** data of the last decision about this call that had any; missing before */
  readonly data?: unknown | undefined;
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
    /** gateway of the called leg; missing for a leg without one */
    readonly gateway?: string | undefined;
    /** hangup cause of the called leg; NONE for a leg that was connected; LIMIT_EXCEEDED for a target that was not dialled because a limit was reached */
    readonly cause: string;
    /** with cause LIMIT_EXCEEDED: that limit, gw:GATEWAY or id:NAME. `leg` is then not a channel of FreeSWITCH */
    readonly limit?: string | undefined;
    /** SIP status with which the called party refused or redirected */
    readonly sip_status?: number | undefined;
    /** reason phrase of that status */
    readonly sip_phrase?: string | undefined;
    /** Reason header of that response */
    readonly sip_reason?: string | undefined;
    /** URI of the Contact header of a redirect (SIP 3xx) */
    readonly redirect_to?: string | undefined;
    /** the gateway had failed repeatedly and was tried last (RESTING_GATEWAYS) */
    readonly rested?: true | undefined;
    /** whether it rang (SIP 180) */
    readonly rang?: boolean | undefined;
    /** whether it sent early media (SDP before the answer) */
    readonly early_media?: boolean | undefined;
    /** whether it answered (SIP 200) */
    readonly answered?: boolean | undefined;
    /** only of a leg that answered and had to accept the call (confirm, whisper): whether it was connected with the caller */
    readonly accepted?: boolean | undefined;
    /** from its INVITE to its answer or its end */
    readonly ring_ms?: number | undefined;
    /** from its answer to its end, or until it left the call */
    readonly talk_ms?: number | undefined;
  })[];
  /** with reason redirect: URI that the target redirected to */
  readonly redirect_to?: string | undefined;
  /** with reason transfer: the party that transferred the call; other: an operator or the dialplan */
  readonly transferred_by?: "caller" | "callee" | "other" | undefined;
  /** with reason transfer by the caller: uuid of the call that the caller left. The called party that stays is the caller leg of this new call */
  readonly transferred_from?: string | undefined;
  /** with reason digits: what the caller typed, without a terminator; can be fewer than min, and is empty when it typed nothing */
  readonly digits?: string | undefined;
  /** with reason digits: why the collection ended. terminator: the caller typed one; max: max digits are complete; timeout: no further digit in time; error: FreeSWITCH could not collect digits, because the caller has no audio */
  readonly digits_end?: "terminator" | "max" | "timeout" | "error" | undefined;
  /** sent to the fallback URL only: the endpoint that was requested before, and did not decide */
  readonly previous?: {
    /** URL of the first endpoint, without userinfo and query */
    readonly url: string;
    /** why it did not decide */
    readonly result: "decided" | "invalid_arguments" | "refused_url" | "no_router" | "router_timeout" | "overloaded" | "connect_timeout" | "connection_failed" | "tls_failed" | "response_timeout" | "http_status" | "redirect_refused" | "empty_body" | "html_body" | "body_too_large" | "invalid_json" | "invalid_decision" | "user_not_registered" | "too_many_requests" | "repeated_uuid" | "caller_gone" | "circuit_open" | "defaulted" | "internal_error";
    /** the same as a sentence */
    readonly error: string;
  } | undefined;
  /** channel variables named in REQUEST_VARIABLES of the agent */
  readonly variables: Readonly<Record<string, string>>;
};

/** Decision: answer of the endpoint to a request */
export type Decision = {
  /** channel variables set on the called legs */
  readonly variables?: Readonly<Record<string, string | number | boolean>> | undefined;
  /** where the call goes: a target, a list of targets, or a hangup. Required without collect */
  readonly dial?: {
    readonly type: "gateway";
    /** number to dial */
    readonly number: string | number;
    /** gateway of any sofia profile, or PROFILE::GATEWAY */
    readonly gateway: string;
    /** ring time in seconds, from the INVITE to the answer, early media included. Default: 60 s of FreeSWITCH, without early media */
    readonly timeout?: number | undefined;
    /** seconds from the INVITE until the called party rings or sends early media; then the target fails with PROGRESS_TIMEOUT. Default: no limit of its own */
    readonly progress_timeout?: number | undefined;
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
    /** seconds from the INVITE until the called party rings or sends early media; then the target fails with PROGRESS_TIMEOUT. Default: no limit of its own */
    readonly progress_timeout?: number | undefined;
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
    /** transport of SIP; the sofia profile must have it. Default: udp */
    readonly transport?: "udp" | "tcp" | "tls" | undefined;
    /** true: the media must be encrypted (SRTP); a party without it refuses the call. Default: false */
    readonly srtp?: boolean | undefined;
    /** ring time in seconds, from the INVITE to the answer, early media included. Default: 60 s of FreeSWITCH, without early media */
    readonly timeout?: number | undefined;
    /** seconds from the INVITE until the called party rings or sends early media; then the target fails with PROGRESS_TIMEOUT. Default: no limit of its own */
    readonly progress_timeout?: number | undefined;
    /** seconds before this target starts to ring; only for targets that ring at the same time. Default: 0 */
    readonly delay?: number | undefined;
  } | {
    readonly type: "dialstring";
    readonly dialstring: string;
    /** ring time in seconds, from the INVITE to the answer, early media included. Default: 60 s of FreeSWITCH, without early media */
    readonly timeout?: number | undefined;
    /** seconds from the INVITE until the called party rings or sends early media; then the target fails with PROGRESS_TIMEOUT. Default: no limit of its own */
    readonly progress_timeout?: number | undefined;
    /** seconds before this target starts to ring; only for targets that ring at the same time. Default: 0 */
    readonly delay?: number | undefined;
  } | {
    readonly type: "hangup";
    /** hangup cause, by name or number. Default: NORMAL_CLEARING (16) */
    readonly cause?: string | number | undefined;
    /** SIP status for the caller; takes precedence over cause */
    readonly sipcode?: number | string | undefined;
    /** sound of the operator (SOUNDS) that the caller hears before */
    readonly play?: string | undefined;
    /** true: answer the caller before play; false: play it as early media, before the refusal. Default: false */
    readonly answer?: boolean | undefined;
  } | readonly ({
    readonly type: "gateway";
    /** number to dial */
    readonly number: string | number;
    /** gateway of any sofia profile, or PROFILE::GATEWAY */
    readonly gateway: string;
    /** ring time in seconds, from the INVITE to the answer, early media included. Default: 60 s of FreeSWITCH, without early media */
    readonly timeout?: number | undefined;
    /** seconds from the INVITE until the called party rings or sends early media; then the target fails with PROGRESS_TIMEOUT. Default: no limit of its own */
    readonly progress_timeout?: number | undefined;
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
    /** seconds from the INVITE until the called party rings or sends early media; then the target fails with PROGRESS_TIMEOUT. Default: no limit of its own */
    readonly progress_timeout?: number | undefined;
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
    /** transport of SIP; the sofia profile must have it. Default: udp */
    readonly transport?: "udp" | "tcp" | "tls" | undefined;
    /** true: the media must be encrypted (SRTP); a party without it refuses the call. Default: false */
    readonly srtp?: boolean | undefined;
    /** ring time in seconds, from the INVITE to the answer, early media included. Default: 60 s of FreeSWITCH, without early media */
    readonly timeout?: number | undefined;
    /** seconds from the INVITE until the called party rings or sends early media; then the target fails with PROGRESS_TIMEOUT. Default: no limit of its own */
    readonly progress_timeout?: number | undefined;
    /** seconds before this target starts to ring; only for targets that ring at the same time. Default: 0 */
    readonly delay?: number | undefined;
  } | {
    readonly type: "dialstring";
    readonly dialstring: string;
    /** ring time in seconds, from the INVITE to the answer, early media included. Default: 60 s of FreeSWITCH, without early media */
    readonly timeout?: number | undefined;
    /** seconds from the INVITE until the called party rings or sends early media; then the target fails with PROGRESS_TIMEOUT. Default: no limit of its own */
    readonly progress_timeout?: number | undefined;
    /** seconds before this target starts to ring; only for targets that ring at the same time. Default: 0 */
    readonly delay?: number | undefined;
  })[] | undefined;
  /** the caller types digits; then another request is made, with reason digits */
  readonly collect?: {
    /** sound of the operator (SOUNDS) that asks for the digits; the first digit ends it. Default: silence */
    readonly play?: string | undefined;
    /** fewer digits are too few */
    readonly min?: number | undefined;
    /** with so many digits the collection ends at once; at least min */
    readonly max?: number | undefined;
    /** seconds without a digit, after the sound or the last digit, that end the collection */
    readonly timeout?: number | undefined;
    /** digits that end the collection and are not part of it; empty: none */
    readonly terminators?: string | undefined;
    /** true: answer the caller first; false: collect during early media (183), which many networks and phones do not send digits in */
    readonly answer?: boolean | undefined;
  } | undefined;
  /** sequential: dial one target after the other; simultaneous: dial all at once, the first one to answer gets the call */
  readonly strategy?: "sequential" | "simultaneous" | undefined;
  /** what happens when no target answered: hangup ends the call with the cause of the last target; request makes another request */
  readonly on_fail?: "hangup" | "request" | undefined;
  /** hangup causes, or SIP statuses such as sip:603 or sip:6xx, after which no further target is tried. Default: FINAL_CAUSES of the agent */
  readonly final_causes?: readonly (string | number)[] | undefined;
  /** hangup causes, or SIP statuses such as sip:503 or sip:5xx, after which the next target is tried; any other is final. FINAL_CAUSES of the agent does not hold then. Default: every cause that is not final */
  readonly retry_causes?: readonly (string | number)[] | undefined;
  /** what the called party is shown of the caller */
  readonly caller_id?: {
    /** Default: the number that the caller presents */
    readonly number?: string | number | undefined;
    /** Default: number, or the name that the caller presents */
    readonly name?: string | undefined;
    /** none: shown; id: sent as asserted identity with Privacy: id, for the network only; full: withheld. Default: full when the caller withholds its number and number is missing, else none */
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
  /** what a redirect (SIP 3xx) of a target means: fail: the target failed and the next one follows; request: make another request; follow: dial where it redirects to, once, if REDIRECT_ALLOWED_HOSTS of the agent allows the host */
  readonly on_redirect?: "fail" | "request" | "follow" | undefined;
  /** bypass: media flows between the parties, not through FreeSWITCH; proxy: through it unchanged */
  readonly media?: "bypass" | "proxy" | undefined;
  /** codecs that the called party is offered, in order of preference. Default: those of the sofia profile */
  readonly codecs?: readonly (string)[] | undefined;
  /** ringback of the operator (RINGBACKS) that the caller hears until a called party answers or sends early media */
  readonly ringback?: string | undefined;
  /** early media of the called party. pass: the caller hears it; ignore: it does not; ring: it counts as ringing (180). Default: pass; ignore for targets that ring at once */
  readonly early_media?: "pass" | "ignore" | "ring" | undefined;
  /** a called party that answers must press a key to be connected; answer means accepted then */
  readonly confirm?: {
    /** sound of the operator (SOUNDS) that asks for the key; repeated until it comes */
    readonly play: string;
    /** digit that accepts the call */
    readonly key?: string | undefined;
    /** seconds from the answer until the key must have come; then the target has failed */
    readonly timeout?: number | undefined;
  } | undefined;
  /** sound that the called party hears after its answer, before it is connected */
  readonly whisper?: {
    /** sound of the operator (SOUNDS) */
    readonly play: string;
  } | undefined;
  /** seconds from the answer of the called party after which FreeSWITCH ends the call with ALLOTTED_TIMEOUT. Default: no limit */
  readonly max_duration?: number | undefined;
  /** announcement before max_duration ends the call */
  readonly warn?: {
    /** seconds before the end; less than max_duration */
    readonly before: number;
    /** sound of the operator (SOUNDS) */
    readonly play: string;
    /** who hears it */
    readonly to?: "caller" | "called" | "both" | undefined;
  } | undefined;
  /** records the call into a file of the operator (RECORDINGS of the agents). Default: no recording */
  readonly record?: {
    /** 2: the caller is on the left channel, the called party on the right one; 1: both on one */
    readonly channels?: 1 | 2 | undefined;
    /** sound of the operator (SOUNDS) that both parties hear when they are connected */
    readonly announce?: string | undefined;
    /** answer: from the answer, or with confirm or whisper from the acceptance; early_media: from the early media of the called party, or its answer without any */
    readonly start?: "answer" | "early_media" | undefined;
  } | undefined;
  /** limits on calls at once and per second, counted over the whole cluster by name. When one is reached, no target is dialled: the caller gets NORMAL_CIRCUIT_CONGESTION (SIP 503), or another request follows with on_fail */
  readonly limit?: readonly ({
    /** name of the limit. All calls of the cluster that name it are counted together */
    readonly id: string;
    /** calls at once, this one included. Default: that of LIMITS of the agent; the lower one holds */
    readonly max?: number | undefined;
    /** new calls per second, this one included. Default: that of LIMITS of the agent; the lower one holds */
    readonly rate?: number | undefined;
  })[] | undefined;
  /** notifications of this call. Default: ring, progress, answer, hangup */
  readonly notify?: readonly ("ring" | "progress" | "answer" | "hangup" | "leg_end" | "transfer" | "recording")[] | undefined;
  /** URL that gets the notifications of this call, under the address rules for endpoints. Default: the URL of the request */
  readonly notify_url?: string | undefined;
  /** any JSON value of at most 1024 bytes, which every later request and notification of this call contains */
  readonly data?: unknown | undefined;
};

/** Notification to the endpoint */
export type Notification = {
  readonly action: "ring";
  /** id of the call: the uuid of the caller leg in FreeSWITCH, or an id derived from it when it is not safe text */
  readonly uuid: string;
  /** uuid of the caller leg in FreeSWITCH; present only when uuid is derived from it */
  readonly channel_uuid?: string | undefined;
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
  /** data of the last decision about this call that had any; missing before */
  readonly data?: unknown | undefined;
  /** uuid of the leg that the notification is about; of a transfer: the leg that left the call */
  readonly leg: string;
  /** number dialled on the called leg */
  readonly called_number: string;
} | {
  readonly action: "progress";
  /** id of the call: the uuid of the caller leg in FreeSWITCH, or an id derived from it when it is not safe text */
  readonly uuid: string;
  /** uuid of the caller leg in FreeSWITCH; present only when uuid is derived from it */
  readonly channel_uuid?: string | undefined;
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
  /** data of the last decision about this call that had any; missing before */
  readonly data?: unknown | undefined;
  /** uuid of the leg that the notification is about; of a transfer: the leg that left the call */
  readonly leg: string;
  /** number dialled on the called leg */
  readonly called_number: string;
} | {
  readonly action: "answer";
  /** id of the call: the uuid of the caller leg in FreeSWITCH, or an id derived from it when it is not safe text */
  readonly uuid: string;
  /** uuid of the caller leg in FreeSWITCH; present only when uuid is derived from it */
  readonly channel_uuid?: string | undefined;
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
  /** data of the last decision about this call that had any; missing before */
  readonly data?: unknown | undefined;
  /** uuid of the leg that the notification is about; of a transfer: the leg that left the call */
  readonly leg: string;
  /** number dialled on the called leg */
  readonly called_number: string;
} | {
  readonly action: "hangup";
  readonly recovered?: false | undefined;
  /** id of the call: the uuid of the caller leg in FreeSWITCH, or an id derived from it when it is not safe text */
  readonly uuid: string;
  /** uuid of the caller leg in FreeSWITCH; present only when uuid is derived from it */
  readonly channel_uuid?: string | undefined;
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
  /** data of the last decision about this call that had any; missing before */
  readonly data?: unknown | undefined;
  /** uuid of the leg that the notification is about; of a transfer: the leg that left the call */
  readonly leg: string;
  /** result of the last request, dialhook_result */
  readonly result?: "decided" | "invalid_arguments" | "refused_url" | "no_router" | "router_timeout" | "overloaded" | "connect_timeout" | "connection_failed" | "tls_failed" | "response_timeout" | "http_status" | "redirect_refused" | "empty_body" | "html_body" | "body_too_large" | "invalid_json" | "invalid_decision" | "user_not_registered" | "too_many_requests" | "repeated_uuid" | "caller_gone" | "circuit_open" | "defaulted" | "internal_error" | undefined;
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
  /** from the INVITE of the caller to the first 180 or 183 of a called leg; 0 without one */
  readonly ring_ms: number;
  /** talk time: how long the caller leg was connected with parties that had answered; 0 without an answer */
  readonly billable_ms: number;
  /** called legs in the order tried */
  readonly tried: readonly ({
    /** uuid of the called leg */
    readonly leg: string;
    /** number dialled on the called leg */
    readonly number: string;
    /** gateway of the called leg; missing for a leg without one */
    readonly gateway?: string | undefined;
    /** hangup cause of the called leg; NONE for a leg that was connected; LIMIT_EXCEEDED for a target that was not dialled because a limit was reached */
    readonly cause: string;
    /** with cause LIMIT_EXCEEDED: that limit, gw:GATEWAY or id:NAME. `leg` is then not a channel of FreeSWITCH */
    readonly limit?: string | undefined;
    /** SIP status with which the called party refused or redirected */
    readonly sip_status?: number | undefined;
    /** reason phrase of that status */
    readonly sip_phrase?: string | undefined;
    /** Reason header of that response */
    readonly sip_reason?: string | undefined;
    /** URI of the Contact header of a redirect (SIP 3xx) */
    readonly redirect_to?: string | undefined;
    /** the gateway had failed repeatedly and was tried last (RESTING_GATEWAYS) */
    readonly rested?: true | undefined;
    /** whether it rang (SIP 180) */
    readonly rang?: boolean | undefined;
    /** whether it sent early media (SDP before the answer) */
    readonly early_media?: boolean | undefined;
    /** whether it answered (SIP 200) */
    readonly answered?: boolean | undefined;
    /** only of a leg that answered and had to accept the call (confirm, whisper): whether it was connected with the caller */
    readonly accepted?: boolean | undefined;
    /** from its INVITE to its answer or its end */
    readonly ring_ms?: number | undefined;
    /** from its answer to its end, or until it left the call */
    readonly talk_ms?: number | undefined;
  })[];
} | {
  readonly action: "hangup";
  readonly recovered: true;
  /** id of the call: the uuid of the caller leg in FreeSWITCH, or an id derived from it when it is not safe text */
  readonly uuid: string;
  /** uuid of the caller leg in FreeSWITCH; present only when uuid is derived from it */
  readonly channel_uuid?: string | undefined;
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
  /** data of the last decision about this call that had any; missing before */
  readonly data?: unknown | undefined;
  /** uuid of the leg that the notification is about; of a transfer: the leg that left the call */
  readonly leg: string;
  /** when the caller leg was created, UTC */
  readonly started: string;
  readonly cause: "UNKNOWN";
  readonly q850: 0;
} | {
  readonly action: "leg_end";
  /** id of the call: the uuid of the caller leg in FreeSWITCH, or an id derived from it when it is not safe text */
  readonly uuid: string;
  /** uuid of the caller leg in FreeSWITCH; present only when uuid is derived from it */
  readonly channel_uuid?: string | undefined;
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
  /** data of the last decision about this call that had any; missing before */
  readonly data?: unknown | undefined;
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
  /** id of the call: the uuid of the caller leg in FreeSWITCH, or an id derived from it when it is not safe text */
  readonly uuid: string;
  /** uuid of the caller leg in FreeSWITCH; present only when uuid is derived from it */
  readonly channel_uuid?: string | undefined;
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
  /** data of the last decision about this call that had any; missing before */
  readonly data?: unknown | undefined;
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
} | {
  readonly action: "recording";
  /** id of the call: the uuid of the caller leg in FreeSWITCH, or an id derived from it when it is not safe text */
  readonly uuid: string;
  /** uuid of the caller leg in FreeSWITCH; present only when uuid is derived from it */
  readonly channel_uuid?: string | undefined;
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
  /** data of the last decision about this call that had any; missing before */
  readonly data?: unknown | undefined;
  /** uuid of the leg that the notification is about; of a transfer: the leg that left the call */
  readonly leg: string;
  /** number dialled on the called leg */
  readonly called_number: string;
  /** path of the file below the folder of the operator (RECORDINGS of the agents) */
  readonly name: string;
  /** whether the file holds the whole recording; false: FreeSWITCH could not write it, had no audio, or has crashed meanwhile */
  readonly complete: boolean;
  /** 2: the caller is on the left channel, the called party on the right one */
  readonly channels: 1 | 2;
  /** length of a complete recording */
  readonly duration_ms?: number | undefined;
  /** size of a complete WAV file in bytes; missing for other formats and for stereo codecs */
  readonly size?: number | undefined;
};
