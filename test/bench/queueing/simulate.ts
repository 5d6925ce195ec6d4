import type { Station } from './model.ts';

/** Numbers from 0 to 1 that look random and are the same for the same seed (Park and Miller). */
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
 * Sends work through stations one after the other, event by event: it arrives at random, goes to a process picked at
 * random, as a queue group of NATS does, and takes a random time there. Mean milliseconds on the whole path.
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
      // The next station sees them in the order in which they come out here.
      .sort((a, b) => a.at - b.at);
  }
  return arrivals.reduce((sum, { at, began }) => sum + at - began, 0) / n;
}
