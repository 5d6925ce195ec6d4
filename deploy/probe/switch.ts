import type { CallRecord } from '#libs/simulator/call-record.ts';
import { SimulatedFreeSwitch } from '#libs/simulator/simulated-freeswitch.ts';

const RING_MS = 50;
const ANSWER_MS = 150;
const BYE_MS = 150;
const TIMEOUT_MS = 3_000;

/** A simulated FreeSWITCH node with the gateway that the probe's endpoint names. */
export async function startSwitch(): Promise<SimulatedFreeSwitch> {
  const freeswitch = await SimulatedFreeSwitch.start({ name: 'probe' });
  freeswitch.gateways.add('gw');
  return freeswitch;
}

/** A call that asks the agent at `socket`, is answered and then hung up by the caller. */
export function placeCall(
  freeswitch: SimulatedFreeSwitch,
  { url, socket, notify }: { readonly url: string; readonly socket: string; readonly notify: boolean },
): Promise<CallRecord> {
  return freeswitch.call({
    caller: { number: '100', name: 'probe' },
    destination: '100',
    dialplan: [`set cti_bridge=${url} ${TIMEOUT_MS} ${TIMEOUT_MS} ${notify ? 1 : 0}`, `socket ${socket}`],
    callee: () => ({ ringAt: RING_MS, answerAt: ANSWER_MS }),
    byeAt: BYE_MS,
  }).ended;
}
