import type { Callee, CallScript as SimulatedScript, Step } from '#libs/simulator/call-script.ts';
import type { Header } from '#libs/simulator/sip/message.ts';

export type { Callee, Header, Step };

/** The FreeSWITCH node on which the cases run, simulated or real, with the called parties that it can reach. */
export interface CaseNode {
  readonly name: string;
  /** Where an agent logs in: the event socket. */
  readonly eventSocket: { readonly host: string; readonly port: number; readonly password: string };
  /** Places one call and resolves when both sides of it have ended. */
  call(script: CallScript): Promise<CallOutcome>;
  stop(): Promise<void>;
}

/** A party of a call that has been answered: what it sends within its dialog. */
export interface Phone {
  /** REFER to a number of FreeSWITCH's own domain; with `onto`, an attended transfer onto that phone's dialog. */
  refer(to: string, onto?: Phone): void;
  /** REFER with any Refer-To and without Referred-By. */
  referTo(value: string): void;
  update(headers?: readonly Header[]): void;
  /** Re-INVITE; `sendonly` and `inactive` put the call on hold. */
  reinvite(headers?: readonly Header[], direction?: 'sendrecv' | 'sendonly' | 'inactive'): void;
  info(headers?: readonly Header[]): void;
  bye(): void;
  /** Types DTMF digits. Resolves when all have been sent. */
  dtmf(digits: string): Promise<void>;
  /** Sends a tone for so long. The simulator has no media. */
  speak?(ms: number): Promise<void>;
  /** The value of a Replaces header that takes over this phone's dialog. */
  readonly replaces: string;
}

export interface CallScript {
  readonly caller: { readonly number: string; readonly name: string };
  readonly destination: string;
  /** Call-ID of the caller's INVITE. Default: a new one. */
  readonly callId?: string;
  /** The value of the channel variable cti_bridge; not set when absent. */
  readonly ctiBridge?: string;
  /** The argument of the socket application: HOST:PORT|HOST:PORT. */
  readonly socket: string;
  /** The dial string of the dialplan's own bridge, reached only without a decision. */
  readonly fallback: string;
  /**
   * Called parties by number. Whatever way a number is dialled (gateway gw, gateway gw2, ip, or through the device
   * registered as user 1000), it reaches the party with that number.
   */
  readonly callees: Readonly<Record<string, Callee>>;
  /** The caller sends CANCEL this long after its INVITE. */
  readonly cancelAt?: number;
  /** The caller sends BYE this long after it was answered. */
  readonly byeAt?: number;
  /** REFER from the caller, `at` milliseconds after it was answered: a blind transfer of the called party. */
  readonly refer?: NonNullable<SimulatedScript['refer']>;
}

/** One INVITE that the node sent. */
export interface Invite {
  /** The user part of the request URI: the number dialled. */
  readonly number: string;
  /** The route it took. */
  readonly via: 'gw' | 'gw2' | 'fallback' | 'ip' | 'device';
  readonly callerNumber: string;
  /** Codec names of the offer, in order. */
  readonly codecs: readonly string[];
}

export interface CallOutcome {
  readonly uuid: string;
  /** In the order in which they left. */
  readonly invites: readonly Invite[];
  /** The last SIP status that the caller saw for its INVITE: 200, 486, 487, ... */
  readonly status: number;
  /** The name in the Reason header that came with it, e.g. USER_BUSY; undefined without one. */
  readonly reason: string | undefined;
  /** dialhook_result and dialhook_error as they stood on the caller's channel at the end. */
  readonly result: string | undefined;
  readonly error: string | undefined;
}
