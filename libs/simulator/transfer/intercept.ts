import type { CallThread } from '#libs/simulator/dialplan/call-thread.ts';
import { uuidBridge } from './uuid-bridge.ts';

/**
 * The application `intercept [-bleg] UUID`: bridges this leg with the channel of that uuid, or with its other leg
 * (switch_ivr_intercept_session). The intercepted channel is answered; the leg that rang for it is hung up.
 */
export function interceptApplication({ node, leg }: CallThread, data: string): void {
  const [option = '', named] = data.split(' ');
  const found = node.core.channels.get(named ?? option);
  const target = option === '-bleg' ? found?.partner : found;
  if (target === undefined || !target.up) return;
  const other = target.partner;
  leg.preAnswer();
  leg.answer();
  target.answerCaller?.();
  uuidBridge(leg.channel, target);
  other?.hangup('PICKED_OFF');
}
