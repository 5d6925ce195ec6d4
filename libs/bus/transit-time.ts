import { LruMap } from '#libs/lru/lru-map.ts';

const MAX_SENDERS = 10_000;
const WINDOW_MS = 60_000;

interface Baseline {
  since: number;
  /** Smallest difference of the two clocks in the current window and in the one before. */
  current: number;
  previous: number;
}

/**
 * Detects messages that were delayed on their way, without synchronized clocks: the difference between the receiver's and
 * the sender's clock is compared with the smallest one of the last two minutes. Clocks drift apart by some
 * milliseconds in that time.
 */
export class TransitTime {
  readonly #baselines = new LruMap<string, Baseline>(MAX_SENDERS);

  /** Milliseconds by which this message was slower than the fastest of its sender. The first message counts as fast. */
  delayMs(sender: string, sentAt: number, now: number): number {
    const difference = now - sentAt;
    const known = this.#baselines.get(sender);
    const baseline = known ?? { since: now, current: difference, previous: difference };
    if (!known) this.#baselines.set(sender, baseline);
    if (now - baseline.since > WINDOW_MS) {
      baseline.previous = now - baseline.since > 2 * WINDOW_MS ? difference : baseline.current;
      baseline.current = difference;
      baseline.since = now;
    }
    baseline.current = Math.min(baseline.current, difference);
    return difference - Math.min(baseline.current, baseline.previous);
  }
}
