import type { CallRecord } from '#libs/simulator/call-record.ts';
import type { Callee } from '#libs/simulator/call-script.ts';

/** An incoming call. Its dialplan sets cti_bridge, executes `socket` and continues with a bridge to `fallback`. */
export interface IncomingCall {
  readonly caller: { readonly number: string; readonly name: string };
  readonly destination: string;
  readonly ctiBridge: string;
  /** HOST:PORT|HOST:PORT */
  readonly socket: string;
  /** The dial string that the dialplan bridges to when it continues. */
  readonly fallback: string;
  /** What the called party behind a gateway does. */
  readonly callee: (gateway: string) => Callee;
  readonly cancelAt?: number;
  readonly byeAt?: number;
}

/** A call as the node's events show it. */
export interface ObservedCall extends Pick<CallRecord, 'cause' | 'applications' | 'variables' | 'progress'> {
  /** The node crashed before it had sent every event: agents may have received more of them. */
  readonly partial?: boolean;
}

export interface CallInFlight {
  readonly uuid: string;
  /** undefined when the call never reached the node, because it was crashing. */
  readonly ended: Promise<ObservedCall | undefined>;
}

/** A FreeSWITCH node, simulated or real, with the gateways gw, gw2 and fallback. */
export interface TestNode {
  /** The event socket for agents; the same after every start. */
  readonly eventSocket: { readonly host: string; readonly port: number; readonly password: string };
  /** No calls can be placed while it is false. */
  readonly running: boolean;
  call(call: IncomingCall): CallInFlight;
  start(): Promise<void>;
  /** Hangs up its calls and shuts down. `start` starts it again. */
  stop(): Promise<void>;
  /** Ends at once, without hangup events. `start` starts it again. */
  crash(): Promise<void>;
  /** Ends it and removes its files. */
  close(): Promise<void>;
}

/** Creates a node that is not started yet. */
export type CreateNode = (name: string) => Promise<TestNode>;
