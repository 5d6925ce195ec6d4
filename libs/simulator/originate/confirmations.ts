import { type Clock, Timers } from '#libs/simulator/clock.ts';
import { soundMs } from '#libs/simulator/dialplan/sound.ts';
import type { CalledLeg } from '#libs/simulator/sip/called-leg.ts';
import { integer } from '#libs/simulator/switch/switch-strings.ts';

/**
 * Answered legs of a group that have to accept the call: group_confirm_key and group_confirm_file
 * (check_channel_status and collect_thread_run in switch_ivr_originate.c).
 */
export class Confirmations {
  readonly #timers: Timers;
  readonly #onWinner: () => void;
  readonly #asked = new Set<CalledLeg>();
  readonly #winners = new Set<CalledLeg>();
  readonly #remove: (() => void)[] = [];

  constructor(clock: Clock, onWinner: () => void) {
    this.#timers = new Timers(clock);
    this.#onWinner = onWinner;
  }

  /** Whether an answered leg can be connected. Asks it when it has to accept the call. */
  isAccepted(leg: CalledLeg): boolean {
    const key = leg.channel.variables.get('group_confirm_key');
    if (key === undefined) return true;
    if (!this.#asked.has(leg)) this.#ask(leg, key);
    return this.#winners.has(leg);
  }

  end(): void {
    this.#timers.clear();
    for (const remove of this.#remove) remove();
  }

  #ask(leg: CalledLeg, key: string): void {
    const { channel } = leg;
    this.#asked.add(leg);
    const seconds = integer(channel.variables.get('group_confirm_timeout'));
    if (seconds > 0) this.#timers.after((seconds + 1) * 1000, () => channel.hangup('ALLOTTED_TIMEOUT'));
    if (key === 'exec') {
      const playback = channel.variables.get('group_confirm_file') ?? '';
      this.#timers.after(soundMs(playback), () => this.#accept(leg));
      return;
    }
    const read = (): void => {
      for (let digit = channel.dtmf.take(); digit !== undefined; digit = channel.dtmf.take())
        if (digit === key) this.#accept(leg);
    };
    this.#remove.push(channel.dtmf.onDigit(read));
    read();
  }

  #accept(leg: CalledLeg): void {
    if (!leg.channel.up) return;
    this.#winners.add(leg);
    leg.channel.set('group_dial_status', 'winner');
    this.#onWinner();
  }
}
