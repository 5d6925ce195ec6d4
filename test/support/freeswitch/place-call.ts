import { randomUUID } from 'node:crypto';
import type { CallScript, Invite } from '#test/support/cases/switch.ts';
import type { Seen } from './calling-party.ts';
import type { Event } from './event-socket.ts';
import type { LiveCalls } from './live-calls.ts';
import { perCallHeaders } from './per-call-values.ts';
import { CALL_HEADER, type Reached, type SipNetwork } from './sip-network.ts';
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
  readonly headers?: readonly (readonly [name: string, value: string])[];
}

export interface Ended {
  readonly seen: Seen;
  readonly invites: readonly Invite[];
  readonly events: readonly Event[];
}

/** Resolves when FreeSWITCH has reported the end of every leg and SIP is finished on both sides. */
export function placeCall(
  { network, live, caller, sipPort }: Line,
  script: Script & { readonly byeAt: number },
  reached: Reached,
): { uuid: string; ended: Promise<Ended> } {
  const uuid = randomUUID();
  const called = network.expect(uuid, reached);
  const told = live.expect(uuid);
  const headers = [[CALL_HEADER, uuid], ...perCallHeaders(script), ...(script.headers ?? [])] as const;
  const { destination, cancelAt, byeAt } = script;
  const party = network.call(
    { callId: uuid, ...script.caller, destination, cancelAt, byeAt, headers },
    caller,
    sipPort,
  );
  const end = async (): Promise<Ended> => {
    const seen = await party.ended;
    const events = await told;
    await Promise.all(called.parties.map(({ ended }) => ended));
    network.forget(uuid);
    return { seen, invites: called.invites, events };
  };
  return { uuid, ended: end() };
}
