import type { Log } from '#libs/telemetry/log.ts';
import type { StreamReader } from './stream-reader.ts';

/**
 * Whether all partitions of this notifier are read, for /readyz and the log:
 *
 *     starting -> reading   every reader has read
 *     reading  -> failed    a reader fails, or NATS is disconnected
 *     failed   -> reading   every reader has read since its last failure
 *
 * A reader has read when JetStream has answered a pull request. An outage writes one line when it begins and one when
 * it ends, whatever the number of readers and retries.
 */
export class Reading {
  readonly #log: Log;
  #problem: string | undefined = 'reading has not started yet';
  /** Failures since the state `reading`. */
  #failures = 0;
  #failedAt = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  /** The failed check for /readyz; undefined in the state `reading`. */
  get problem(): string | undefined {
    return this.#problem;
  }

  failed(problem: string): void {
    this.#problem = problem;
    if (this.#failures++ > 0) return;
    this.#failedAt = performance.now();
    this.#log.warn('stream.read_failed', { error: problem });
  }

  /** Looks at the readers; called with each tick of the leases. Call it with no reader only if this notifier has no partition to read. */
  observe(readers: Iterable<StreamReader>): void {
    let isReading = true;
    for (const reader of readers) {
      const problem = reader.problem();
      if (problem !== undefined && this.#failures === 0) this.failed(problem);
      isReading &&= problem === undefined && reader.isReading;
    }
    if (!isReading) return;
    if (this.#failures > 0) {
      const ms = Math.round(performance.now() - this.#failedAt);
      this.#log.info('stream.read_restored', { failures: this.#failures, ms });
    }
    this.#problem = undefined;
    this.#failures = 0;
  }
}
