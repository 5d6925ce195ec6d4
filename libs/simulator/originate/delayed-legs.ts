import type { CalledLeg } from '#libs/simulator/sip/called-leg.ts';
import { integer } from '#libs/simulator/switch/switch-strings.ts';

/**
 * leg_delay_start, in seconds: legs of a group that are dialled later than the others. If no dialled leg is left, the
 * next ones are dialled at once (check_per_channel_timeouts in switch_ivr_originate.c).
 */
export class DelayedLegs {
  readonly #remaining = new Map<CalledLeg, number>();
  readonly #start: (leg: CalledLeg) => void;

  constructor(legs: readonly CalledLeg[], start: (leg: CalledLeg) => void) {
    this.#start = start;
    for (const leg of legs) {
      const delay = integer(leg.channel.variables.get('leg_delay_start'));
      if (delay > 0) this.#remaining.set(leg, delay);
    }
    for (const leg of legs) if (!this.#remaining.has(leg)) start(leg);
  }

  has(leg: CalledLeg): boolean {
    return this.#remaining.has(leg);
  }

  /** `elapsed` is in seconds since the group was dialled; `active` whether a dialled leg is up. */
  startDue(elapsed: number, active: boolean): void {
    const waiting = [...this.#remaining].filter(([leg]) => leg.channel.up);
    const shortest = Math.min(...waiting.map(([, delay]) => delay));
    for (const [leg, delay] of waiting) {
      const remaining = active ? (elapsed > delay ? 0 : delay) : delay - shortest;
      this.#remaining.set(leg, remaining);
      if (remaining > 0) continue;
      this.#remaining.delete(leg);
      this.#start(leg);
    }
  }
}
