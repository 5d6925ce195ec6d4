/** Time and chance, brought in from outside. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** From 0 up to but not including 1. */
  random(): number;
}

export const systemClock: Clock = { now: Date.now, random: Math.random };
