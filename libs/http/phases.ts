import type { Context } from '@opentelemetry/api';
import type { Phases as PhasesInMs } from '#libs/contract/timeline.ts';
import { emitSpan } from '#libs/telemetry/tracing.ts';
import type { Phase, PhaseName } from './call.ts';
import type { Stage } from './failure.ts';

const PHASE: Readonly<Record<Stage, PhaseName>> = {
  queue: 'queue',
  lookup: 'dns',
  tcp: 'tcp',
  tls: 'tls',
  sent: 'first_byte',
  answering: 'body',
};

/** Keeps the times of a call as it goes from stage to stage. */
export class Phases {
  readonly #done: Phase[] = [];
  #name: PhaseName | undefined;
  #start = 0;

  enter(stage: Stage): void {
    const now = performance.now();
    this.#close(now);
    this.#name = PHASE[stage];
    this.#start = now;
  }

  end(): readonly Phase[] {
    this.#close(performance.now());
    return this.#done;
  }

  #close(end: number): void {
    if (this.#name !== undefined) this.#done.push({ name: this.#name, start: this.#start, end });
    this.#name = undefined;
  }
}

const FIELD = {
  queue: 'queue_ms',
  dns: 'dns_ms',
  tcp: 'connect_ms',
  tls: 'tls_ms',
  first_byte: 'ttfb_ms',
  body: 'body_ms',
} as const;

/** Milliseconds of each phase that happened, to a tenth. */
export function phasesInMs(phases: readonly Phase[]): PhasesInMs {
  const sums: PhasesInMs = {};
  for (const { name, start, end } of phases) {
    const field = FIELD[name];
    sums[field] = Math.round(((sums[field] ?? 0) + end - start) * 10) / 10;
  }
  return sums;
}

const SPAN = {
  queue: 'queue',
  dns: 'dns',
  tcp: 'connect',
  tls: 'tls',
  first_byte: 'wait',
  body: 'receive',
} as const;

/** A span for each phase that happened, under that of the request. */
export function emitPhases(phases: readonly Phase[], request: Context): void {
  for (const { name, start, end } of phases) emitSpan({ name: SPAN[name], start, end }, request);
}
