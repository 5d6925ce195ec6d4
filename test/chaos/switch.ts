import type { CallRecord } from '#libs/simulator/call-record.ts';
import type { Callee } from '#libs/simulator/call-script.ts';

/** A call that comes in, whose dialplan sets cti_bridge, runs `socket` and goes on with a bridge of its own. */
export interface IncomingCall {
  readonly caller: { readonly number: string; readonly name: string };
  readonly destination: string;
  readonly ctiBridge: string;
  /** HOST:PORT|HOST:PORT */
  readonly socket: string;
  /** The dial string of the dialplan's own bridge. */
  readonly fallback: string;
  /** What the party does that is reached by a gateway. */
  readonly callee: (gateway: string) => Callee;
  readonly cancelAt?: number;
  readonly byeAt?: number;
}

/** What became of a call, as its switch told. */
export interface CallTold extends Pick<CallRecord, 'cause' | 'applications' | 'variables' | 'progress'> {
  /** The switch died before it had told everything: agents may have heard more. */
  readonly partial?: boolean;
}

export interface CallInFlight {
  readonly uuid: string;
  /** undefined when it never came in, as the switch was dying. */
  readonly ended: Promise<CallTold | undefined>;
}

/** A FreeSWITCH of the matrix, simulated or real, with the gateways gw, gw2 and fallback. */
export interface Switch {
  /** Where agents log in, the same over all starts. */
  readonly eventSocket: { readonly host: string; readonly port: number; readonly password: string };
  /** No call comes in while it is away. */
  readonly running: boolean;
  call(call: IncomingCall): CallInFlight;
  start(): Promise<void>;
  /** Hangs up its calls and ends. */
  stop(): Promise<void>;
  /** Dies without a word. */
  crash(): Promise<void>;
  /** Ends for good. */
  close(): Promise<void>;
}

/** Makes a switch that has yet to be started. */
export type NewSwitch = (name: string) => Promise<Switch>;
