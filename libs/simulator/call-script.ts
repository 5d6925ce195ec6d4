import type { Header, OnMessage } from './sip/message.ts';
import type { Value } from './switch/variables.ts';

/** One response of a called party to its INVITE. */
export interface Step {
  /** Milliseconds after the INVITE arrived. */
  readonly at: number;
  readonly status: number;
  readonly phrase?: string;
  /** With SDP; a 2xx has it in any case. */
  readonly sdp?: boolean;
  /** A SIP URI; by default the party's own address. */
  readonly contact?: string;
  readonly headers?: readonly Header[];
  /** The tag of the phone that responds, as behind a forking proxy; by default the party's own. */
  readonly tag?: string;
}

/**
 * The behaviour of a called party. Times are milliseconds after its INVITE arrived. A party without any never responds.
 */
export interface Callee {
  /** 180 Ringing without SDP. */
  readonly ringAt?: number;
  /** 180 Ringing with SDP: early media. */
  readonly ringMediaAt?: number;
  /** 183 Session Progress without SDP. */
  readonly progressAt?: number;
  /** 183 Session Progress with SDP: early media. */
  readonly mediaAt?: number;
  /** 200 OK. */
  readonly answerAt?: number;
  /** A final refusal of 400 or above; `reason` is the value of a Reason header. */
  readonly refuse?: { readonly at: number; readonly status: number; readonly reason?: string };
  /** 302 Moved Temporarily with this Contact: a SIP URI. */
  readonly redirect?: { readonly at: number; readonly contact: string };
  /** BYE from the called party, after it has answered. */
  readonly hangsUpAt?: number;
  /** REFER from the called party, after it has answered: a blind transfer of the caller to this number. */
  readonly refer?: { readonly at: number; readonly to: string };
  readonly steps?: readonly Step[];
  /** Answers the INVITE with 200 when CANCEL arrives: both crossed on the wire. */
  readonly answersCancel?: boolean;
}

/** One INVITE that the simulated FreeSWITCH sent. */
export interface Invite {
  /** The uuid of the called leg. */
  readonly leg: string;
  /** The endpoint as the dial string has it: sofia/gateway/gw/123. */
  readonly endpoint: string;
  /** The number dialled: the user part of the request URI. */
  readonly number: string;
  /** The host part of the request URI, with its port if it has one. */
  readonly host: string;
  readonly gateway: string | undefined;
  /** The SIP profile that sent the INVITE. */
  readonly profile: string;
  readonly callerNumber: string;
  readonly callerName: string;
  /** Names of the codecs offered, in order. */
  readonly codecs: readonly string[];
  /** The variables that the dial string and the exports set on the leg. */
  readonly variables: Readonly<Record<string, string>>;
}

/** One incoming call and the behaviour of its parties. */
export interface CallScript {
  readonly caller: { readonly number: string; readonly name: string };
  readonly destination: string;
  /** Call-ID of the caller's INVITE. Default: a new one. */
  readonly callId?: string;
  /** The uuid of the caller leg, as with inbound-use-callid-as-uuid. Default: a new one. */
  readonly uuid?: string;
  /** Channel variables that are set before the dialplan runs, e.g. cti_bridge and domain_name. */
  readonly variables?: Readonly<Record<string, Value>>;
  /** Further headers of the caller's INVITE. */
  readonly headers?: readonly Header[];
  /** The applications of the dialplan, `NAME DATA` each; a function has the extension of each destination number. */
  readonly dialplan: readonly string[] | ((destination: string) => readonly string[]);
  /** The behaviour of the party that an INVITE reaches; by default it never responds. */
  readonly callee?: (invite: Invite) => Callee;
  /** The caller sends CANCEL this many milliseconds after its INVITE, unless it has been answered. */
  readonly cancelAt?: number;
  /** The caller sends BYE this many milliseconds after it was answered. */
  readonly byeAt?: number;
  /** REFER from the caller, `at` milliseconds after it was answered: a blind transfer of the called party. */
  readonly refer?: { readonly at: number; readonly to: string };
  /** Gets every SIP message of both sides. */
  readonly onMessage?: OnMessage;
}
