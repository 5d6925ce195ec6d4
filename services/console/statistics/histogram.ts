/** Bins of durations: each is 2 % wider than the one before, so that a quantile is exact within 1 %. */

const GROWTH = 1.02;
const LOG_GROWTH = Math.log(GROWTH);
const SMALLEST_MS = 0.001;

/** The bin of a duration. Everything up to a microsecond is in bin 0. */
export const binOf = (ms: number): number =>
  ms <= SMALLEST_MS ? 0 : Math.ceil(Math.log(ms / SMALLEST_MS) / LOG_GROWTH);

/** The middle of a bin, ms, with three significant digits. */
const middle = (bin: number): number =>
  Number((bin === 0 ? 0 : (SMALLEST_MS * 2 * GROWTH ** bin) / (1 + GROWTH)).toPrecision(3));

/** The smallest duration that at least the share `q` of all durations does not exceed. @returns undefined without any. */
export function quantile(bins: ReadonlyMap<string, number> | undefined, q: number): number | undefined {
  if (bins === undefined) return undefined;
  const sorted = [...bins].map(([bin, n]) => [Number(bin), n] as const).sort(([a], [b]) => a - b);
  const total = sorted.reduce((sum, [, n]) => sum + n, 0);
  let seen = 0;
  for (const [bin, n] of sorted) {
    seen += n;
    if (n > 0 && seen >= total * q) return middle(bin);
  }
  return undefined;
}
