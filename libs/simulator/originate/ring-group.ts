import { type Clock, Timers } from '#libs/simulator/clock.ts';
import type { CalledLeg } from '#libs/simulator/sip/called-leg.ts';
import type { CallerLeg } from '#libs/simulator/sip/caller-leg.ts';
import { integer } from '#libs/simulator/switch/switch-strings.ts';
import type { OriginateSettings } from './originate-settings.ts';

export type RingResult =
  | { readonly kind: 'connected'; readonly leg: CalledLeg }
  | { readonly kind: 'failed' | 'cancelled' | 'timeout' | 'progress timeout' };

/**
 * Waits until one of the legs of a group is connected, and passes ringing on to the caller. Hangs up all other legs
 * before it returns. Timeouts are in whole seconds of the wall clock, as in FreeSWITCH.
 */
export async function ringGroup(
  caller: CallerLeg,
  legs: readonly CalledLeg[],
  group: { readonly size: number; readonly settings: OriginateSettings; readonly clock: Clock },
): Promise<RingResult> {
  const timers = new Timers(group.clock);
  let removeBreak = (): void => {};
  const result = await new Promise<RingResult>((resolve) => {
    const evaluate = (): void => {
      const decided = evaluateGroup(caller, legs, group);
      if (decided !== undefined) resolve(decided);
    };
    removeBreak = caller.channel.onBreak(evaluate);
    for (const leg of legs) leg.onChange(evaluate);
    startTimers(timers, caller, legs, group, (kind) => resolve({ kind }));
    evaluate();
  });
  timers.clear();
  removeBreak();
  hangUpOthers(legs, group.size, result);
  return result;
}

function evaluateGroup(
  caller: CallerLeg,
  legs: readonly CalledLeg[],
  { size, settings }: { readonly size: number; readonly settings: OriginateSettings },
): RingResult | undefined {
  if (!caller.channel.ready) return { kind: 'cancelled' };
  const up = legs.filter((leg) => leg.channel.up);
  const ringing = up.find(
    ({ channel }) => channel.ringing || (settings.earlyMediaRings && size === 1 && channel.early),
  );
  if (ringing !== undefined && !settings.ignoreRingReady && !caller.channel.ringing) {
    if (size === 1) caller.showCallee(ringing.channel.profile);
    caller.ring();
  }
  const leg = up.find(({ channel }) => channel.answered || (settings.earlyMediaConnects && channel.early));
  if (leg !== undefined) return { kind: 'connected', leg };
  return up.length === 0 ? { kind: 'failed' } : undefined;
}

function startTimers(
  timers: Timers,
  caller: CallerLeg,
  legs: readonly CalledLeg[],
  { settings, clock }: { readonly settings: OriginateSettings; readonly clock: Clock },
  expire: (kind: 'timeout' | 'progress timeout') => void,
): void {
  const start = Math.floor(clock.now() / 1000);
  const at = (seconds: number, callback: () => void): void => {
    timers.after((start + seconds) * 1000 - clock.now(), callback);
  };
  at(settings.timeoutS, () => expire('timeout'));
  if (settings.progressTimeoutS !== undefined && settings.progressTimeoutS < settings.timeoutS) {
    at(settings.progressTimeoutS + 1, () => {
      if (!caller.channel.ringing && !legs.some(({ channel }) => channel.early)) expire('progress timeout');
    });
  }
  for (const { channel } of legs) {
    const limit = integer(channel.variables.get('leg_timeout'));
    if (limit > 0) at(limit + 1, () => channel.hangup('ALLOTTED_TIMEOUT'));
    const progressLimit = integer(channel.variables.get('leg_progress_timeout'));
    if (progressLimit > 0) {
      at(progressLimit + 1, () => {
        if (!channel.ringing && !channel.early && !channel.answered) channel.hangup('PROGRESS_TIMEOUT');
      });
    }
  }
}

const CAUSE_OF_OTHERS = {
  cancelled: 'ORIGINATOR_CANCEL',
  timeout: 'NO_ANSWER',
  'progress timeout': 'PROGRESS_TIMEOUT',
  failed: 'NO_ANSWER',
} as const;

function hangUpOthers(legs: readonly CalledLeg[], size: number, result: RingResult): void {
  for (const leg of legs) {
    if (result.kind !== 'connected') {
      leg.channel.hangup(CAUSE_OF_OTHERS[result.kind]);
    } else if (leg !== result.leg && leg.channel.up) {
      if (size > 1) leg.channel.set('group_dial_status', 'loser');
      leg.channel.hangup('LOSE_RACE');
    }
  }
}
