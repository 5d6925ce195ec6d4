/** How much to measure. */
export interface Options {
  /** Alternated rounds that count; one more goes before them. */
  readonly rounds: number;
  /** Share of the full number of calls in each round. */
  readonly scale: number;
}
