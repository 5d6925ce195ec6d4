import { randomUUID } from 'node:crypto';
import { callIdOf } from '#libs/contract/call-id.ts';
import type { CallScript } from '#test/support/cases/case-node.ts';
import type { CallingParty, Seen } from './calling-party.ts';
import type { Event } from './event-socket.ts';
import type { LiveCalls } from './live-calls.ts';
import { perCallHeaders } from './per-call-values.ts';
import type { Header } from './sip-message.ts';
import { CALL_HEADER, type Reached, type SipNetwork, type TestCall } from './sip-network.ts';
import type { SipSocket } from './sip-socket.ts';

/** Where calls are placed from, where to, and who sees them. */
export interface Line {
  readonly network: SipNetwork;
  readonly live: LiveCalls;
  readonly caller: SipSocket;
  readonly sipPort: number;
}

/** A call, but for who is called. */
export interface Script extends Omit<CallScript, 'callees'> {
  /** Further headers of the caller's INVITE. */
  readonly headers?: readonly Header[];
}

export interface Ended {
  readonly seen: Seen;
  readonly events: readonly Event[];
}

/** A call in progress. */
export interface Placed {
  /** The id of the call, if its Call-ID is the uuid of its channel. */
  readonly uuid: string;
  readonly caller: CallingParty;
  /** The called parties and the SIP messages of both sides; both grow while the call lasts. */
  readonly call: TestCall;
  /** The events of its legs so far. */
  readonly events: readonly Event[];
  /** Resolves when FreeSWITCH has reported the end of every leg and SIP is done with on both sides. */
  readonly ended: Promise<Ended>;
}

export function placeCall(
  { network, live, caller, sipPort }: Line,
  script: Script,
  reached: Reached,
): Placed {
  const id = randomUUID();
  const { callId = id } = script;
  const call = network.expect(id, reached);
  const reported = live.expect(id);
  const headers = [[CALL_HEADER, id], ...perCallHeaders(script), ...(script.headers ?? [])] as const;
  const { destination, cancelAt, byeAt, refer } = script;
  const party = network.call(
    { id, callId, ...script.caller, destination, cancelAt, byeAt, refer, headers },
    caller,
    sipPort,
  );
  const end = async (): Promise<Ended> => {
    const seen = await party.ended;
    const events = await reported.ended;
    await Promise.all(call.parties.map(({ ended }) => ended));
    network.forget(id);
    return { seen, events };
  };
  return { uuid: callIdOf(callId), caller: party, call, events: reported.events, ended: end() };
}
