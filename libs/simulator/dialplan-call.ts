import type { CtiBridgeArguments } from '#libs/contract/arguments.ts';
import { formatArguments } from '#libs/contract/arguments.ts';
import type { SimulatedCall } from './call-record.ts';
import type { Callee, CallScript } from './call-script.ts';
import type { SimulatedFreeSwitch } from './simulated-freeswitch.ts';

const RING_MS = 50;
const ANSWER_MS = 150;
const BYE_MS = 150;

/** A called party that rings and answers. */
export const ANSWERS: Callee = { ringAt: RING_MS, answerAt: ANSWER_MS };
/** A called party that refuses with 486 Busy Here. */
export const BUSY: Callee = { refuse: { at: RING_MS, status: 486 } };

export interface DialplanCall extends Pick<CallScript, 'caller' | 'destination' | 'variables'> {
  readonly endpoint: CtiBridgeArguments;
  /** The agents' SOCKET_PORT: HOST:PORT, several separated by `|`. */
  readonly socket: string;
  /** The behaviour of each called party; by default it answers. */
  readonly callee?: Callee;
}

/** Places a call with the dialplan of docs/contract.md. The caller hangs up shortly after the answer. */
export const placeCall = (
  freeswitch: SimulatedFreeSwitch,
  { endpoint, socket, callee = ANSWERS, ...call }: DialplanCall,
): SimulatedCall =>
  freeswitch.call({
    ...call,
    dialplan: [`set cti_bridge=${formatArguments(endpoint)}`, `socket ${socket}`],
    callee: () => callee,
    byeAt: BYE_MS,
  });
