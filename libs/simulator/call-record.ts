import type { Invite } from './call-script.ts';
import type { Value } from './switch/variables.ts';

/** An event that an endpoint is notified of: `hangup` of the caller leg, the others of a called leg. */
export interface Progress {
  readonly leg: string;
  readonly action: 'ring' | 'progress' | 'answer' | 'hangup';
}

export interface ExecutedApplication {
  readonly name: string;
  /** After expansion. */
  readonly data: string;
}

/** The outcome of one simulated call. */
export interface CallRecord {
  readonly uuid: string;
  /** In the order in which they were sent. */
  readonly invites: readonly Invite[];
  /** The last SIP status of the caller's INVITE. */
  readonly status: number;
  /** The cause in the Reason header of a refusal. */
  readonly reason: string | undefined;
  /** The hangup cause of the caller leg. */
  readonly cause: string;
  /** In the order in which they ran. */
  readonly applications: readonly ExecutedApplication[];
  /** The variables of the caller leg at its end. */
  readonly variables: Readonly<Record<string, Value>>;
  readonly progress: readonly Progress[];
}

/** A call in progress. */
export interface SimulatedCall {
  readonly uuid: string;
  /** So far, in the order in which they were sent. */
  readonly invites: readonly Invite[];
  /** Every SIP status of the caller's INVITE so far. */
  readonly statuses: readonly number[];
  /** Without a cause the caller hangs up (CANCEL or BYE); with one FreeSWITCH hangs up the caller leg. */
  hangup(cause?: string): void;
  readonly ended: Promise<CallRecord>;
}
