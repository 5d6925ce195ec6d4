import { randomUUID } from 'node:crypto';
import { ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { describe, expect, it } from 'vitest';
import { traceId } from '#libs/telemetry/call-ids.ts';
import { Sampling, sampledShare } from '#libs/telemetry/sampling.ts';

describe('the share of calls that is traced', () => {
  it.each([
    [{}, 1],
    [{ OTEL_TRACES_SAMPLER: 'always_on' }, 1],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, 0],
    [{ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.25' }, 0.25],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' }, 0],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio' }, 1],
    [{ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '7' }, 1],
    [{ OTEL_TRACES_SAMPLER: 'always_on', OTEL_TRACES_SAMPLER_ARG: '0.1' }, 1],
  ])('by %j is %d', (env, share) => expect(sampledShare(env)).toBe(share));
});

/** A process that traces this share, and all that it exports. */
function traced(share: number) {
  const exporter = new InMemorySpanExporter();
  const sampling = new Sampling(share, new SimpleSpanProcessor({ exporter }));
  const provider = new TracerProvider({ sampler: sampling, spanProcessors: [sampling] });
  const tracer = provider.getTracer('test');
  /** The context of a span of another process. */
  const remote = (id: string, traceFlags = 0) =>
    trace.setSpanContext(ROOT_CONTEXT, { traceId: id, spanId: '1'.repeat(16), traceFlags, isRemote: true });
  /** A span with one child, below a span of another process. */
  const work = (id: string, error: boolean, traceFlags = 0) => {
    const parent = remote(id, traceFlags);
    const outer = tracer.startSpan('outer', {}, parent);
    const inner = tracer.startSpan('inner', {}, trace.setSpan(parent, outer));
    if (error) inner.setStatus({ code: SpanStatusCode.ERROR });
    inner.end();
    outer.end();
  };
  return { exporter, sampling, work };
}
const names = (exporter: InMemorySpanExporter) => exporter.getFinishedSpans().map(({ name }) => name);

describe('calls', () => {
  it('are chosen by chance, close to the share, and the same in each process', () => {
    const [one, other] = [traced(0.3).sampling, traced(0.3).sampling];
    const ids = Array.from({ length: 20_000 }, () => traceId(randomUUID()));
    const chosen = ids.filter((id) => one.isSampled(id));
    expect(chosen.length / ids.length).toBeGreaterThan(0.28);
    expect(chosen.length / ids.length).toBeLessThan(0.32);
    expect(ids.filter((id) => other.isSampled(id))).toEqual(chosen);
  });

  it('that another process traces are traced here', () => {
    const { exporter, work } = traced(0);
    work(traceId(randomUUID()), false, 1);
    expect(names(exporter)).toEqual(['inner', 'outer']);
  });

  it('without an error are not exported and use no memory afterwards', async () => {
    const { exporter, work } = traced(0);
    for (let i = 0; i < 10; i++) work(traceId(randomUUID()), false);
    expect(names(exporter)).toEqual([]);
  });

  it('with an error are exported as sampled, and so are their later spans', () => {
    const { exporter, sampling, work } = traced(0);
    const id = traceId(randomUUID());
    work(id, true);
    expect(names(exporter)).toEqual(['inner', 'outer']);
    expect(exporter.getFinishedSpans().every((span) => span.spanContext().traceFlags === 1)).toBe(true);
    expect(sampling.isSampled(id)).toBe(true);
    work(id, false);
    expect(names(exporter)).toEqual(['inner', 'outer', 'inner', 'outer']);
  });

  it('are remembered up to a bound', () => {
    const { sampling, work } = traced(0);
    const ids = Array.from({ length: 10_001 }, () => traceId(randomUUID()));
    for (const id of ids) work(id, true);
    expect([ids[0], ids[1], ids.at(-1)].map((id) => sampling.isSampled(id as string))).toEqual([
      false,
      true,
      true,
    ]);
  });
});
