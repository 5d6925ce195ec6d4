/** Time in milliseconds since 1970, with a fraction that holds the microseconds. */
export interface Clock {
  now(): number;
  /** Calls back once. Returns a function that cancels the timer. */
  after(ms: number, callback: () => void): () => void;
}

export const realClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

/** A clock that runs `factor` times as fast as real time. */
export function fastClock(factor: number): Clock {
  const start = realClock.now();
  return {
    now: () => start + (realClock.now() - start) * factor,
    after: (ms, callback) => realClock.after(ms / factor, callback),
  };
}

export const microseconds = (clock: Clock): number => Math.floor(clock.now() * 1000);

/** The timers of one owner, which can clear them all at once. */
export class Timers {
  readonly #clock: Clock;
  readonly #pending = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  after(ms: number, callback: () => void): () => void {
    const cancelTimer = this.#clock.after(Math.max(0, ms), () => {
      this.#pending.delete(cancel);
      callback();
    });
    const cancel = (): void => {
      this.#pending.delete(cancel);
      cancelTimer();
    };
    this.#pending.add(cancel);
    return cancel;
  }

  clear(): void {
    for (const cancel of [...this.#pending]) cancel();
  }
}
