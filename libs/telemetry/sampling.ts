import { createHash } from 'node:crypto';
import { type Context, SamplingDecision, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api';
import type { ReadableSpan, Sampler, SpanProcessor } from '@opentelemetry/sdk-trace';

const MAX_TRACES_HELD = 4_096;
const MAX_SPANS_HELD_OF_ONE = 128;
const MAX_TRACES_KEPT = 10_000;

/** The share of calls that OTEL_TRACES_SAMPLER and its argument want; all of them when they say nothing usable. */
export function sampledShare(env: NodeJS.ProcessEnv): number {
  const sampler = (env['OTEL_TRACES_SAMPLER'] ?? '').replace(/^parentbased_/, '');
  if (sampler === 'always_off') return 0;
  const share = Number.parseFloat(env['OTEL_TRACES_SAMPLER_ARG'] ?? '');
  return sampler === 'traceidratio' && share >= 0 && share <= 1 ? share : 1;
}

/** By a hash: the bits of a uuid are not all random, and other samplers read other bits of a trace id. */
const isAmong = (share: number, traceId: string): boolean =>
  share >= 1 || createHash('sha256').update(traceId).digest().readUIntBE(0, 6) / 2 ** 48 < share;

/** The same span, of a trace that is exported. */
const asSampled = (span: ReadableSpan): ReadableSpan => {
  const sampled = { ...span.spanContext(), traceFlags: TraceFlags.SAMPLED };
  return Object.create(span, { spanContext: { value: () => sampled } }) as ReadableSpan;
};

const isFlagged = (traceFlags: number | undefined): boolean =>
  ((traceFlags ?? 0) & TraceFlags.SAMPLED) === TraceFlags.SAMPLED;

/**
 * Which calls are traced: a share of them, the same in each process, and each in which something went wrong. Spans of
 * the others are held until what this process does for the call at the moment is over: if one of them is an error, all
 * go out, and what this process does for the call later on is traced as well.
 */
export class Sampling implements Sampler, SpanProcessor {
  readonly #share: number;
  readonly #next: SpanProcessor;
  readonly #held = new Map<string, ReadableSpan[]>();
  readonly #kept = new Set<string>();

  constructor(share: number, next: SpanProcessor) {
    this.#share = share;
    this.#next = next;
  }

  isSampled(traceId: string): boolean {
    return isAmong(this.#share, traceId) || this.#kept.has(traceId);
  }

  shouldSample(parent: Context, traceId: string) {
    const above = trace.getSpanContext(parent);
    const sampled =
      isFlagged(above?.traceFlags) || (above ? this.#kept.has(traceId) : this.isSampled(traceId));
    return { decision: sampled ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.RECORD };
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    const { traceId, traceFlags } = span.spanContext();
    if (isFlagged(traceFlags)) this.#next.onEnd(span);
    else if (this.#kept.has(traceId)) this.#next.onEnd(asSampled(span));
    else this.#hold(traceId, span);
  }

  forceFlush(): Promise<void> {
    return this.#next.forceFlush();
  }

  shutdown(): Promise<void> {
    return this.#next.shutdown();
  }

  #hold(traceId: string, span: ReadableSpan): void {
    const held = this.#held.get(traceId) ?? [];
    if (held.length < MAX_SPANS_HELD_OF_ONE) held.push(span);
    this.#held.set(traceId, held);
    const [oldest] = this.#held.keys();
    if (oldest !== undefined && this.#held.size > MAX_TRACES_HELD) this.#held.delete(oldest);
    const above = span.parentSpanContext;
    if (above && !above.isRemote) return;
    this.#held.delete(traceId);
    if (![...held, span].some(({ status }) => status.code === SpanStatusCode.ERROR)) return;
    this.#keep(traceId);
    for (const one of held) this.#next.onEnd(asSampled(one));
  }

  #keep(traceId: string): void {
    this.#kept.add(traceId);
    const [oldest] = this.#kept;
    if (oldest !== undefined && this.#kept.size > MAX_TRACES_KEPT) this.#kept.delete(oldest);
  }
}

let current: Pick<Sampling, 'isSampled'> = { isSampled: () => true };

/** Whether a call's spans are exported, as far as this process knows by now. */
export const isSampled = (traceId: string): boolean => current.isSampled(traceId);

export function sampleBy(sampling: Pick<Sampling, 'isSampled'>): void {
  current = sampling;
}
