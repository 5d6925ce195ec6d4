/** How much to measure. */
export interface Options {
  /** Alternating rounds that count. One uncounted round precedes them. */
  readonly rounds: number;
  /** Factor for the number of calls in each round, 0 to 1. */
  readonly scale: number;
}
