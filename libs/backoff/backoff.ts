/** Milliseconds, both positive. */
export interface Backoff {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** Milliseconds to wait after `failures` failures in a row: `firstMs` after the first, doubled each time up to `maxMs`. */
export const backoffMs = ({ firstMs, maxMs }: Backoff, failures: number): number =>
  Math.min(maxMs, firstMs * 2 ** Math.max(0, failures - 1));
