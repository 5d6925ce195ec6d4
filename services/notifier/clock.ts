/** Time and randomness, passed in so that tests can replace them. */
export interface Clock {
  /** Epoch ms. */
  now(): number;
  /** From 0 up to but not including 1. */
  random(): number;
}

export const systemClock: Clock = { now: Date.now, random: Math.random };
