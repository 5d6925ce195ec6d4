import { Refusals } from './refusals.ts';

/** A key of a RetryBuffer with items. */
export interface KeyState<Item> {
  /** The first is the one in flight or to be retried. */
  readonly items: Item[];
  inFlight: Promise<void> | undefined;
  /** Resolves when the send in flight, or that for which the key waits for `maxInFlight`, has ended. */
  attempt: PromiseWithResolvers<void> | undefined;
  /** When the first item failed last, on the clock of `performance`. */
  failedAt: number;
  /** Of the first item. */
  readonly refusals: Refusals;
  readonly settled: PromiseWithResolvers<void>;
}

export const newKey = <Item>(first: Item): KeyState<Item> => ({
  items: [first],
  inFlight: undefined,
  attempt: undefined,
  failedAt: 0,
  refusals: new Refusals(),
  settled: Promise.withResolvers(),
});

export function endAttempt(state: KeyState<unknown> | undefined): void {
  state?.attempt?.resolve();
  if (state) state.attempt = undefined;
}
