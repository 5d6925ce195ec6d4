import type { CtiBridgeArguments } from '#libs/contract/arguments.ts';
import { formatArguments } from '#libs/contract/arguments.ts';
import type { Callee, CallRequest, SimulatedCall } from './call-record.ts';
import type { SimulatedFreeSwitch } from './simulated-freeswitch.ts';

const RING_MS = 50;
const ANSWER_MS = 150;
const BYE_MS = 150;

/** A called party that rings and answers, and one that is busy. */
export const ANSWERS: Callee = { ringAt: RING_MS, answerAt: ANSWER_MS };
export const BUSY: Callee = { refuse: { at: RING_MS, status: 486 } };

export interface DialplanCall extends Pick<CallRequest, 'caller' | 'destination' | 'variables'> {
  readonly endpoint: CtiBridgeArguments;
  /** Where agents take calls: HOST:PORT, several with | between them. */
  readonly socket: string;
  /** What each called party does; it answers without it. */
  readonly callee?: Callee;
}

/** Places a call whose dialplan asks an agent, as docs/contract.md has it, and which the caller ends. */
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
