/** The result of a closed loop. */
export interface LoadResult {
  /** The ms that each `one` returned. */
  readonly ms: readonly number[];
  readonly perSecond: number;
}

/**
 * Runs `one` n times, `inFlight` at a time.
 *
 * @throws when one returns undefined: leaving failures out would improve the figure.
 */
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
      if (took === undefined) throw new Error('a call failed');
      ms.push(took);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return { ms, perSecond: (n * 1000) / (performance.now() - started) };
}
