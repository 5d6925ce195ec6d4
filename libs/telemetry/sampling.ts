import { createHash } from 'node:crypto';
import { type Context, SamplingDecision, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api';
import type { ReadableSpan, Sampler, SpanProcessor } from '@opentelemetry/sdk-trace';
import { LruMap } from '#libs/lru/lru-map.ts';

const MAX_BUFFERED_TRACES = 4_096;
const MAX_BUFFERED_SPANS_PER_TRACE = 128;
const MAX_KEPT_TRACES = 10_000;

/** The share of calls to trace, from OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG; 1 when they are unset or invalid. */
export function sampledShare(env: NodeJS.ProcessEnv): number {
  const sampler = (env['OTEL_TRACES_SAMPLER'] ?? '').replace(/^parentbased_/, '');
  if (sampler === 'always_off') return 0;
  const share = Number.parseFloat(env['OTEL_TRACES_SAMPLER_ARG'] ?? '');
  return sampler === 'traceidratio' && share >= 0 && share <= 1 ? share : 1;
}

/** Uses a hash, because not all bits of a uuid are random and other samplers read other bits of the trace id. */
const isInShare = (share: number, traceId: string): boolean =>
  share >= 1 || createHash('sha256').update(traceId).digest().readUIntBE(0, 6) / 2 ** 48 < share;

/** The same span with the sampled flag set. */
const asSampled = (span: ReadableSpan): ReadableSpan => {
  const sampled = { ...span.spanContext(), traceFlags: TraceFlags.SAMPLED };
  return Object.create(span, { spanContext: { value: () => sampled } }) as ReadableSpan;
};

const isFlagged = (traceFlags: number | undefined): boolean =>
  ((traceFlags ?? 0) & TraceFlags.SAMPLED) === TraceFlags.SAMPLED;

/**
 * Traces a share of the calls, the same calls in every process, and every call with an error. Spans of the other calls
 * are buffered until this process has ended its outermost span for the call. When one of them is an error, all are
 * exported, and later spans of the call in this process are exported as well.
 */
export class Sampling implements Sampler, SpanProcessor {
  readonly #share: number;
  readonly #next: SpanProcessor;
  readonly #buffered = new LruMap<string, ReadableSpan[]>(MAX_BUFFERED_TRACES);
  /** Traces that are exported because of an error. */
  readonly #kept = new LruMap<string, true>(MAX_KEPT_TRACES);

  constructor(share: number, next: SpanProcessor) {
    this.#share = share;
    this.#next = next;
  }

  isSampled(traceId: string): boolean {
    return isInShare(this.#share, traceId) || this.#isKept(traceId);
  }

  shouldSample(parent: Context, traceId: string) {
    const parentSpan = trace.getSpanContext(parent);
    const sampled =
      isFlagged(parentSpan?.traceFlags) || (parentSpan ? this.#isKept(traceId) : this.isSampled(traceId));
    return { decision: sampled ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.RECORD };
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    const { traceId, traceFlags } = span.spanContext();
    if (isFlagged(traceFlags)) this.#next.onEnd(span);
    else if (this.#isKept(traceId)) this.#next.onEnd(asSampled(span));
    else this.#buffer(traceId, span);
  }

  forceFlush(): Promise<void> {
    return this.#next.forceFlush();
  }

  shutdown(): Promise<void> {
    return this.#next.shutdown();
  }

  #isKept(traceId: string): boolean {
    return this.#kept.peek(traceId) === true;
  }

  #buffer(traceId: string, span: ReadableSpan): void {
    const spans = this.#buffered.peek(traceId) ?? [];
    if (spans.length < MAX_BUFFERED_SPANS_PER_TRACE) spans.push(span);
    this.#buffered.set(traceId, spans);
    const parent = span.parentSpanContext;
    if (parent && !parent.isRemote) return;
    this.#buffered.delete(traceId);
    if (![...spans, span].some(({ status }) => status.code === SpanStatusCode.ERROR)) return;
    this.#kept.set(traceId, true);
    for (const one of spans) this.#next.onEnd(asSampled(one));
  }
}

let current: Pick<Sampling, 'isSampled'> = { isSampled: () => true };

/** Whether the spans of this trace are exported, as known so far in this process. */
export const isSampled = (traceId: string): boolean => current.isSampled(traceId);

export function sampleBy(sampling: Pick<Sampling, 'isSampled'>): void {
  current = sampling;
}
