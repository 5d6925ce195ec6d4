import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 20;
const NANOSECONDS_PER_MS = 1e6;

/** Measures how late timers of this process fire. Each reader has its own, because reading resets it. */
export class EventLoopDelay {
  readonly #histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  constructor() {
    this.#histogram.enable();
  }

  /** Milliseconds since the last `take`: the 99th percentile and the maximum. */
  take(): { readonly p99Ms: number; readonly maxMs: number } {
    const { p99Ms, maxMs } = {
      p99Ms: this.#lateMs(this.#histogram.percentile(99)),
      maxMs: this.#lateMs(this.#histogram.max),
    };
    this.#histogram.reset();
    return { p99Ms, maxMs };
  }

  stop(): void {
    this.#histogram.disable();
  }

  #lateMs(nanoseconds: number): number {
    return Math.max(0, nanoseconds / NANOSECONDS_PER_MS - RESOLUTION_MS) || 0;
  }
}
