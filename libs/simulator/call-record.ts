import type { Value } from './switch/variables.ts';

/** What a called party does. Times are milliseconds after its INVITE arrived. A party without any is silent. */
export interface Callee {
  /** 180 Ringing. */
  readonly ringAt?: number;
  /** 183 Session Progress with SDP. */
  readonly mediaAt?: number;
  /** 200 OK. */
  readonly answerAt?: number;
  /** A final refusal, e.g. 486. */
  readonly refuse?: { readonly at: number; readonly status: number };
  /** BYE from the called side, once it has answered. */
  readonly hangsUpAt?: number;
}

/** One INVITE that left the node. */
export interface Invite {
  /** The uuid of the called leg. */
  readonly leg: string;
  /** As it stood in the dial string: sofia/gateway/gw/123. */
  readonly endpoint: string;
  /** The user part of the request URI: the number dialled. */
  readonly number: string;
  /** The host part, with its port when it has one. */
  readonly host: string;
  readonly gateway: string | undefined;
  /** The SIP profile it left by. */
  readonly profile: string;
  readonly callerNumber: string;
  readonly callerName: string;
  /** Names of the codecs offered, in order. */
  readonly codecs: readonly string[];
  /** The variables that the dial string and the exports gave the leg. */
  readonly variables: Readonly<Record<string, string>>;
}

/** What an endpoint has to be told: `hangup` is of the caller's channel, the others of a called leg. */
export interface Progress {
  readonly leg: string;
  readonly action: 'ring' | 'progress' | 'answer' | 'hangup';
}

export interface Application {
  readonly name: string;
  readonly data: string;
}

/** What became of one simulated call. */
export interface CallRecord {
  readonly uuid: string;
  /** In the order in which they left. */
  readonly invites: readonly Invite[];
  /** The last SIP status that the caller saw for its INVITE. */
  readonly status: number;
  /** The cause that the Reason header of a refusal named. */
  readonly reason: string | undefined;
  /** The hangup cause of the caller's channel. */
  readonly cause: string;
  /** In the order in which they ran, with their data after expansion. */
  readonly applications: readonly Application[];
  /** The caller's channel variables at the end. */
  readonly variables: Readonly<Record<string, Value>>;
  readonly progress: readonly Progress[];
}

export interface CallRequest {
  readonly caller: { readonly number: string; readonly name: string };
  readonly destination: string;
  /** Variables that the channel has before its dialplan runs, e.g. cti_bridge and domain_name. */
  readonly variables?: Readonly<Record<string, Value>>;
  /** Applications, each as `NAME DATA`. */
  readonly dialplan: readonly string[];
  /** What the party does that an INVITE reaches. */
  readonly callee?: (invite: Invite) => Callee;
  /** The caller sends CANCEL this many milliseconds after its INVITE, unless it was answered by then. */
  readonly cancelAt?: number;
  /** The caller sends BYE this many milliseconds after it was answered. */
  readonly byeAt?: number;
}

export interface SimulatedCall {
  readonly uuid: string;
  /** The caller hangs up now: CANCEL or BYE; or FreeSWITCH does, with the cause given. */
  hangup(cause?: string): void;
  readonly ended: Promise<CallRecord>;
}
