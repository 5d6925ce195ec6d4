import type { Station } from './model.ts';

/** Pseudo-random numbers from 0 to 1 (Park and Miller). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

const exponential = (mean: number, random: () => number): number => -mean * Math.log(1 - random());

interface Arrival {
  readonly at: number;
  readonly began: number;
}

/**
 * Simulates Poisson arrivals through the stations. As in a NATS queue group, each goes to a random process; service times
 * are exponential. Returns the mean ms on the path.
 */
export function simulate(
  path: readonly Station[],
  perSecond: number,
  n: number,
  random: () => number,
): number {
  let arrivals: Arrival[] = [];
  for (let at = 0, i = 0; i < n; i++) {
    at += exponential(1000 / perSecond, random);
    arrivals.push({ at, began: at });
  }
  for (const { serviceMs, processes } of path) {
    const freeAt = new Float64Array(processes);
    arrivals = arrivals
      .map(({ at, began }) => {
        const one = Math.floor(random() * processes);
        const done = Math.max(at, freeAt[one] ?? 0) + exponential(serviceMs, random);
        freeAt[one] = done;
        return { at: done, began };
      })
      // The next station receives them in the order of completion.
      .sort((a, b) => a.at - b.at);
  }
  return arrivals.reduce((sum, { at, began }) => sum + at - began, 0) / n;
}
