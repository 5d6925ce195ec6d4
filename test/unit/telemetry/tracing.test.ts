import { ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { callContext, rootSpanId, traceId } from '#libs/telemetry/call-ids.ts';
import {
  contextFromHeaders,
  emitCallSpan,
  inSpan,
  startTracing,
  traceHeaders,
} from '#libs/telemetry/tracing.ts';
import { type OtlpSpan, startCollector } from '#test/support/telemetry/collector.ts';

const UUID = 'e6ffd4ce-54f4-4cc9-8edf-ad14634e844f';
const OTHER = '853abbc2-28aa-48ed-b3ce-c9ca607101f5';
const START = new Date('2026-11-23T18:27:06.595Z');
const END = new Date('2026-11-23T18:27:08.195Z');

const of = (spans: readonly OtlpSpan[], name: string) => spans.filter((span) => span.name === name);

describe('without a collector', () => {
  it.each([
    {},
    { OTEL_EXPORTER_OTLP_ENDPOINT: '' },
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', OTEL_SDK_DISABLED: 'true' },
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', OTEL_TRACES_EXPORTER: 'none' },
  ])('nothing is started for %j', async (env) => {
    await startTracing('test', env)();
    const parent = callContext(UUID);
    const seen = await inSpan('idle', { parent, kind: SpanKind.INTERNAL }, async (span) =>
      span.isRecording(),
    );
    expect(seen).toBe(false);
  });
});

describe('the spans of calls', () => {
  let spans: readonly OtlpSpan[];
  let unexported: Error | undefined;

  beforeAll(async () => {
    const collector = await startCollector();
    vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', collector.url);
    const stop = startTracing('test');
    const work = {
      parent: callContext(UUID),
      kind: SpanKind.PRODUCER,
      attributes: { 'dialhook.call': UUID },
    };
    await inSpan('outer', work, (_, outer) =>
      inSpan('inner', { parent: outer, kind: SpanKind.INTERNAL }, async () => {}),
    );
    await inSpan('faulty', work, async () => {
      throw new Error('a fault');
    }).catch((error: Error) => {
      unexported = error;
    });
    emitCallSpan(UUID, { start: START, end: END, attributes: { 'dialhook.cause': 'USER_BUSY' } });
    emitCallSpan(OTHER, { start: START, end: END });
    trace.getTracer('other').startSpan('random', { root: true }).end();
    await stop();
    spans = collector.spans;
    collector.stop();
  });
  afterAll(() => {
    vi.unstubAllEnvs();
  });

  it('are exported before tracing ends', () => {
    const names = ['call', 'call', 'faulty', 'inner', 'outer', 'random'];
    expect(spans.map(({ name }) => name).toSorted()).toEqual(names);
    expect(new Set(spans.map(({ service }) => service))).toEqual(new Set(['dialhook-test']));
  });

  it.each([UUID, OTHER])('have one root, with the ids of call %s and its own times', (uuid) => {
    expect(of(spans, 'call').filter((span) => span.traceId === traceId(uuid))).toMatchObject([
      {
        spanId: rootSpanId(uuid),
        parentSpanId: '',
        start: BigInt(START.getTime()) * 1_000_000n,
        end: BigInt(END.getTime()) * 1_000_000n,
      },
    ]);
  });

  it('hang under the root made before it', () => {
    const [outer] = of(spans, 'outer');
    expect(outer).toMatchObject({ traceId: traceId(UUID), parentSpanId: rootSpanId(UUID) });
    expect(of(spans, 'inner')).toMatchObject([{ traceId: traceId(UUID), parentSpanId: outer?.spanId }]);
    expect(outer?.attributes).toEqual({ 'dialhook.call': UUID });
  });

  it('leave the ids of other spans to chance', () => {
    const [random] = of(spans, 'random');
    expect(random?.traceId).toMatch(/^[0-9a-f]{32}$/);
    expect([traceId(UUID), traceId(OTHER)]).not.toContain(random?.traceId);
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length);
  });

  it('pass on errors thrown inside them', () => {
    expect(unexported).toEqual(new Error('a fault'));
  });
});

describe('traceparent', () => {
  it('is written from a context and read back', () => {
    const headers = traceHeaders(callContext(UUID));
    expect(headers).toEqual({ traceparent: `00-${traceId(UUID)}-${rootSpanId(UUID)}-01` });
    const read = contextFromHeaders(
      (name) => headers[name],
      () => ROOT_CONTEXT,
    );
    expect(trace.getSpanContext(read)).toMatchObject({ traceId: traceId(UUID), spanId: rootSpanId(UUID) });
  });

  it.each([undefined, '', 'nonsense', `00-${'0'.repeat(32)}-${'0'.repeat(16)}-01`])(
    'falls back for %j',
    (text) => {
      const fallback = callContext(OTHER);
      expect(
        contextFromHeaders(
          () => text,
          () => fallback,
        ),
      ).toBe(fallback);
    },
  );
});
