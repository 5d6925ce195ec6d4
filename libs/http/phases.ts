import type { Context } from '@opentelemetry/api';
import type { Phase } from '#libs/contract/phases.ts';
import type { Phases } from '#libs/contract/timeline.ts';
import { emitSpan } from '#libs/telemetry/tracing.ts';
import type { PhaseTiming } from './types.ts';

/** Records how long a request stays in each phase. */
export class PhaseClock {
  readonly #done: PhaseTiming[] = [];
  #current: { readonly name: Phase; readonly start: number } | undefined;

  enter(name: Phase): void {
    const now = performance.now();
    this.#close(now);
    this.#current = { name, start: now };
  }

  end(): readonly PhaseTiming[] {
    this.#close(performance.now());
    return this.#done;
  }

  #close(end: number): void {
    if (this.#current) this.#done.push({ ...this.#current, end });
    this.#current = undefined;
  }
}

/** Milliseconds of each phase that happened, rounded to 0.1 ms; phases of a repeated request are added up. */
export function phasesInMs(phases: readonly PhaseTiming[]): Phases {
  const sums: Phases = {};
  for (const { name, start, end } of phases) {
    const field = `${name}_ms` as const;
    sums[field] = Math.round(((sums[field] ?? 0) + end - start) * 10) / 10;
  }
  return sums;
}

/** Emits a span for each phase that happened, below the span of the request. */
export function emitPhases(phases: readonly PhaseTiming[], request: Context): void {
  for (const phase of phases) emitSpan(phase, request);
}
