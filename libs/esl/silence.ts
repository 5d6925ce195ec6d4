export interface SilenceOptions {
  readonly limitMs: number;
  /** How much has come so far. */
  readonly received: () => number;
  /** Asks the other side for a sign of life. */
  readonly ask: () => void;
  readonly onSilence: () => void;
}

const LOOKS = 4;

/**
 * Tells when nothing comes any more on a connection that TCP still takes for open: the other side has gone without a
 * word, or hangs. It counts looks, not time: a process that was stopped itself looks once when it goes on, and finds
 * what has come meanwhile at the next look.
 */
export class Silence {
  readonly #timer: NodeJS.Timeout;

  constructor({ limitMs, received, ask, onSilence }: SilenceOptions) {
    let before = received();
    let inVain = 0;
    this.#timer = setInterval(() => {
      const now = received();
      inVain = now === before ? inVain + 1 : 0;
      before = now;
      if (inVain >= LOOKS) onSilence();
      else if (inVain > 0) ask();
    }, limitMs / LOOKS);
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
