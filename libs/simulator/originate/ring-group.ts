import { type Clock, Timers } from '#libs/simulator/clock.ts';
import type { CalledLeg } from '#libs/simulator/sip/called-leg.ts';
import type { Leg } from '#libs/simulator/sip/leg.ts';
import { integer } from '#libs/simulator/switch/switch-strings.ts';
import { Confirmations } from './confirmations.ts';
import { DelayedLegs } from './delayed-legs.ts';
import type { OriginateSettings } from './originate-settings.ts';

export type RingResult =
  | { readonly kind: 'connected'; readonly leg: CalledLeg }
  | { readonly kind: 'failed' | 'cancelled' | 'timeout' | 'progress timeout' };

interface Group {
  /** The number of legs in the dial string, those included that could not be created. */
  readonly size: number;
  readonly settings: OriginateSettings;
  readonly clock: Clock;
}

/**
 * Dials the legs of a group, waits until one of them is connected, and passes ringing on to the caller. Hangs up all
 * other legs before it returns. Timeouts are in whole seconds of the wall clock, as in FreeSWITCH.
 */
export async function ringGroup(caller: Leg, legs: readonly CalledLeg[], group: Group): Promise<RingResult> {
  const { settings, clock } = group;
  const timers = new Timers(clock);
  const second = (): number => Math.floor(clock.now() / 1000);
  const start = second();
  /** Calls back when second `from` + `seconds` begins. */
  const at = (from: number, seconds: number, callback: () => void): void => {
    timers.after((from + seconds) * 1000 - clock.now(), callback);
  };
  const { promise, resolve } = Promise.withResolvers<RingResult>();
  const delayed = new DelayedLegs(legs, (leg) => {
    leg.invite();
    startLegTimers(leg, (seconds, callback) => at(second(), seconds, callback));
  });
  const confirmations = new Confirmations(clock, () => evaluate());
  const evaluate = (elapsed = second() - start): void => {
    const active = legs.some((leg) => leg.channel.up && !delayed.has(leg));
    if (caller.channel.ready) delayed.startDue(elapsed, active);
    const result = evaluateGroup(caller, legs, group, confirmations);
    if (result !== undefined) resolve(result);
  };
  const remove = [caller.channel.onBreak(() => evaluate())];
  for (const leg of legs) {
    remove.push(leg.channel.onChange(() => evaluate()));
    const delay = integer(leg.channel.variables.get('leg_delay_start'));
    // A timer may fire a little early: pass the second for which it was set.
    if (delay > 0) at(start, delay + 1, () => evaluate(delay + 1));
  }
  at(start, settings.timeoutS, () => resolve({ kind: 'timeout' }));
  const { progressTimeoutS = settings.timeoutS } = settings;
  if (progressTimeoutS < settings.timeoutS) {
    at(start, progressTimeoutS + 1, () => {
      if (!caller.channel.ringing && !legs.some(({ channel }) => channel.early))
        resolve({ kind: 'progress timeout' });
    });
  }
  evaluate();
  const result = await promise;
  timers.clear();
  confirmations.end();
  for (const removeCallback of remove) removeCallback();
  hangUpOthers(legs, group.size, result);
  return result;
}

function evaluateGroup(
  caller: Leg,
  legs: readonly CalledLeg[],
  { size, settings }: Group,
  confirmations: Confirmations,
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
  const isConnected = (leg: CalledLeg) =>
    leg.channel.answered ? confirmations.isAccepted(leg) : settings.earlyMediaConnects && leg.channel.early;
  const leg = up.filter(isConnected)[0];
  if (leg !== undefined) return { kind: 'connected', leg };
  return up.length === 0 ? { kind: 'failed' } : undefined;
}

/** leg_timeout and leg_progress_timeout, which count from the leg's INVITE. */
function startLegTimers({ channel }: CalledLeg, at: (seconds: number, callback: () => void) => void): void {
  const limit = integer(channel.variables.get('leg_timeout'));
  if (limit > 0) at(limit + 1, () => channel.hangup('ALLOTTED_TIMEOUT'));
  const progressLimit = integer(channel.variables.get('leg_progress_timeout'));
  if (progressLimit > 0) {
    at(progressLimit + 1, () => {
      if (!channel.ringing && !channel.early && !channel.answered) channel.hangup('PROGRESS_TIMEOUT');
    });
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
