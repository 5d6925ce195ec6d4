/** The DTMF digits that the party of a channel has typed, until an application takes them. */
export class DtmfQueue {
  #digits: string[] = [];
  readonly #onDigit = new Set<() => void>();

  /** Digits that phones can send; others are dropped (is_dtmf in switch_utils.h). */
  type(digits: string): void {
    for (const digit of digits.match(/[0-9A-D*#]/gi) ?? []) {
      this.#digits.push(digit);
      for (const callback of [...this.#onDigit]) callback();
    }
  }

  /** The oldest digit; undefined without one. */
  take(): string | undefined {
    return this.#digits.shift();
  }

  flush(): void {
    this.#digits = [];
  }

  /** Calls back for each digit. Returns a function that removes the callback. */
  onDigit(callback: () => void): () => void {
    this.#onDigit.add(callback);
    return () => this.#onDigit.delete(callback);
  }
}
