import type { CallOutcome, CallScript, CaseNode, Header, Phone } from '#test/support/cases/case-node.ts';
import type { TracedMessage } from '#test/support/freeswitch/sip-trace.ts';

/** A call with further headers in the caller's INVITE. */
export interface LifeScript extends CallScript {
  readonly headers?: readonly Header[];
}

export interface LifeOutcome extends CallOutcome {
  /** Every status that the caller saw for its INVITE, in order, e.g. 100 180 200. */
  readonly statuses: readonly number[];
  /** Every SIP message of both sides, in order. */
  readonly trace: readonly TracedMessage[];
}

export interface CallerPhone extends Phone {
  cancel(): void;
  /** Every status that came for the INVITE, in order. */
  readonly statuses: readonly number[];
  /** Resolves when the call has been answered, or has ended. */
  readonly answered: Promise<void>;
  /** Resolves when its side of the call has ended. */
  readonly ended: Promise<unknown>;
}

export interface CalledPhone extends Phone {
  /** Resolves when the leg has ended. */
  readonly ended: Promise<void>;
}

/** A call in progress, whose parties the test moves. */
export interface LifePlaced {
  readonly uuid: string;
  readonly caller: CallerPhone;
  /** Resolves when the caller can talk with a called party. */
  readonly talking: Promise<void>;
  /** The party at a number, once it has answered. With several calls to the number, the last. */
  callee(number: string): Promise<CalledPhone>;
  /** The events of its legs so far; the simulator has those of connections only. */
  readonly events: readonly { readonly 'Event-Name'?: unknown }[];
  /** The SIP messages so far. */
  readonly trace: readonly TracedMessage[];
  readonly ended: Promise<LifeOutcome>;
}

/** The FreeSWITCH node on which the table runs, simulated or real. */
export interface LifeNode extends Pick<CaseNode, 'name' | 'eventSocket' | 'stop'> {
  /** Places a call that lasts until the script or the test ends it. */
  place(script: LifeScript): LifePlaced;
  /** Where it takes calls. */
  readonly sipPort: number;
  /** HOST:PORT of a SIP proxy at a host that is not FreeSWITCH's own. */
  readonly elsewhere: string;
  /** The certificate that a called party needs over TLS, in PEM, and its key. The simulator has no TLS. */
  readonly tls?: { readonly key: string; readonly cert: string };
  readonly running: boolean;
  /** Kills FreeSWITCH, as a crash does. The parties keep their dialogs. */
  kill(): Promise<void>;
  /** Starts it again after `kill`. */
  start(): Promise<void>;
  /** RTP packets of 20 ms with sound that all callers, or all called parties, got so far. The simulator has no media. */
  heard?(side: 'caller' | 'called'): number;
  /** Ends all calls. A late INVITE of theirs reaches no party of a later call. */
  endCalls(): Promise<void>;
  /** Runs a command of FreeSWITCH's API. */
  api(command: string): Promise<string>;
}
