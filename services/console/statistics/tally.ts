/** Integer counters by dimension and key. Integers, so that what was added can be removed exactly. */
export type Tally = Map<string, Map<string, number>>;
export type Entry = readonly [dimension: string, key: string, n: number];

/** What one call adds to the statistics. */
export interface Contribution {
  /** Number of the bucket in which the call started. */
  readonly start: number;
  /** Number of the bucket in which it ended; undefined while it is live. */
  readonly end: number | undefined;
  readonly entries: readonly Entry[];
}

export function addEntry(tally: Tally, [dimension, key, n]: Entry): void {
  const counters = tally.get(dimension) ?? new Map<string, number>();
  tally.set(dimension, counters);
  const sum = (counters.get(key) ?? 0) + n;
  if (sum === 0) counters.delete(key);
  else counters.set(key, sum);
}

export function merge(into: Tally, from: Tally): void {
  for (const [dimension, counters] of from) {
    const sums = into.get(dimension);
    if (sums === undefined) into.set(dimension, new Map(counters));
    else for (const [key, n] of counters) sums.set(key, (sums.get(key) ?? 0) + n);
  }
}

export const read = (tally: Tally | undefined, dimension: string, key: string): number =>
  tally?.get(dimension)?.get(key) ?? 0;
