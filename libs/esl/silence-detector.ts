export interface SilenceDetectorOptions {
  readonly limitMs: number;
  /** The number of frames received so far. */
  readonly received: () => number;
  /** Sends a command whose reply shows that the peer is alive. */
  readonly ping: () => void;
  readonly onSilence: () => void;
}

const CHECKS = 4;

/**
 * Detects a peer that has vanished or hangs while TCP still considers the connection open. Counts checks without new
 * frames instead of time: after this process itself was suspended, only one check has passed, and the next one finds
 * the frames that arrived meanwhile.
 */
export class SilenceDetector {
  readonly #timer: NodeJS.Timeout;

  constructor({ limitMs, received, ping, onSilence }: SilenceDetectorOptions) {
    let before = received();
    let silentChecks = 0;
    this.#timer = setInterval(() => {
      const now = received();
      silentChecks = now === before ? silentChecks + 1 : 0;
      before = now;
      if (silentChecks >= CHECKS) onSilence();
      else if (silentChecks > 0) ping();
    }, limitMs / CHECKS);
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
