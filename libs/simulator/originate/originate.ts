import type { CallThread } from '#libs/simulator/dialplan/call-thread.ts';
import type { CalledLeg } from '#libs/simulator/sip/called-leg.ts';
import { createCalledLeg } from './create-called-leg.ts';
import { destinationsOf } from './destination.ts';
import { type DialLeg, parseDialString } from './dial-string.ts';
import { type OriginateSettings, originateSettings } from './originate-settings.ts';
import { type RingResult, ringGroup } from './ring-group.ts';

export type Originated = { readonly leg: CalledLeg } | { readonly leg: undefined; readonly cause: string };

const DIAL_STATUS: ReadonlyMap<string, string> = new Map([
  ['ORIGINATOR_CANCEL', 'CANCEL'],
  ['USER_BUSY', 'BUSY'],
  ['NO_ANSWER', 'NOANSWER'],
  ['DESTINATION_OUT_OF_ORDER', 'INVALIDARGS'],
  ['INVALID_PROFILE', 'INVALIDARGS'],
  ['CALL_REJECTED', 'DONTCALL'],
]);

/** Dials the groups of a dial string in turn until a leg is connected (switch_ivr_originate). */
export async function originate(thread: CallThread, dialString: string): Promise<Originated> {
  const caller = thread.leg.channel;
  const dialled = parseDialString(dialString);
  caller.set('originate_disposition', 'failure');
  caller.set('DIALSTATUS', 'INVALIDARGS');
  if (dialled === undefined) return { leg: undefined, cause: disposed(thread, 'ORIGINATOR_CANCEL') };
  const settings = originateSettings(caller, dialled.variables);
  let cause = 'ORIGINATOR_CANCEL';
  for (const group of dialled.groups) {
    if (!caller.ready) break;
    const { legs, size, refused } = createLegs(thread, group, settings);
    const result = await ringGroup(thread.leg, legs, { size, settings, clock: thread.node.core.clock });
    if (result.kind === 'connected') return connected(thread, legs, result.leg);
    cause = disposed(thread, failureOf(result, legs, refused));
    for (const { channel } of legs) {
      caller.variables.push('originate_causes', `${channel.uuid};${channel.cause ?? 'NONE'}`);
    }
    if (result.kind === 'progress timeout') cause = 'PROGRESS_TIMEOUT';
    if (result.kind === 'timeout' && !settings.continueOnTimeout) break;
  }
  return { leg: undefined, cause };
}

function createLegs(
  thread: CallThread,
  group: readonly DialLeg[],
  settings: OriginateSettings,
): { legs: readonly CalledLeg[]; size: number; refused: string | undefined } {
  const destinations = group.flatMap((leg) => destinationsOf(thread.node, leg));
  const legs: CalledLeg[] = [];
  let refused: string | undefined;
  for (const destination of destinations) {
    if ('cause' in destination) refused = destination.cause;
    else legs.push(createCalledLeg(thread, destination, settings));
  }
  return { legs, size: destinations.length, refused };
}

/** The cause of the first leg created; if none was created, the cause of the last one that could not be. */
function failureOf(result: RingResult, legs: readonly CalledLeg[], refused: string | undefined): string {
  if (result.kind === 'cancelled') return 'ORIGINATOR_CANCEL';
  if (result.kind === 'timeout' || result.kind === 'progress timeout') return 'NO_ANSWER';
  const cause = legs[0]?.channel.cause ?? refused ?? 'ORIGINATOR_CANCEL';
  return cause === 'SUCCESS' || cause === 'NONE' ? 'ORIGINATOR_CANCEL' : cause;
}

function disposed(thread: CallThread, cause: string): string {
  thread.leg.channel.set('originate_disposition', cause);
  thread.leg.channel.set('DIALSTATUS', DIAL_STATUS.get(cause) ?? cause);
  return cause;
}

function connected(thread: CallThread, legs: readonly CalledLeg[], leg: CalledLeg): Originated {
  const caller = thread.leg;
  caller.showCallee(leg.channel.profile);
  if (leg.channel.answered) caller.answer();
  else caller.preAnswer();
  disposed(thread, 'SUCCESS');
  for (const { channel } of legs) {
    caller.channel.variables.push('originate_causes', `${channel.uuid};${channel.cause ?? 'NONE'}`);
  }
  const { profile } = leg.channel;
  caller.channel.other = {
    type: 'originatee',
    profile: { ...profile, times: { ...profile.times } },
  };
  caller.channel.set('signal_bond', leg.channel.uuid);
  caller.channel.set('originate_signal_bond', undefined);
  return { leg };
}
