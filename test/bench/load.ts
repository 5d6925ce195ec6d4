/** What a closed loop came to: always `inFlight` at once, each followed by the next. */
export interface LoadResult {
  /** Milliseconds of each, as measured by `one`. */
  readonly ms: readonly number[];
  readonly perSecond: number;
}

/** @throws when one comes to nothing: a figure that leaves failures out would be better than the truth. */
export async function closedLoop(
  n: number,
  inFlight: number,
  one: () => Promise<number | undefined>,
): Promise<LoadResult> {
  const ms: number[] = [];
  let begun = 0;
  const started = performance.now();
  const worker = async () => {
    while (begun < n) {
      begun++;
      const took = await one();
      if (took === undefined) throw new Error('one came to nothing');
      ms.push(took);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return { ms, perSecond: (n * 1000) / (performance.now() - started) };
}
