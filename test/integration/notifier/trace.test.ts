import { randomUUID } from 'node:crypto';
import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { rootSpanId, traceId } from '#libs/telemetry/call-ids.ts';
import { NotifierHarness } from '#test/support/notifier/harness.ts';
import { idsOf, ringing } from '#test/support/notifier/progress.ts';
import { OK, startReceiver } from '#test/support/notifier/receiver.ts';
import { until } from '#test/support/until.ts';

const exporter = new InMemorySpanExporter();
const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
let harness: NotifierHarness;
beforeAll(async () => {
  trace.setGlobalTracerProvider(provider);
  harness = await NotifierHarness.start();
});
afterAll(async () => {
  await harness[Symbol.asyncDispose]();
  await provider.shutdown();
});

test('a notification and its attempts are spans of the call, and each request carries its own span', async () => {
  await using endpoint = await startReceiver(({ time }) => (time === 1 ? { status: 503 } : OK));
  await using _ = await harness.notifier();
  const uuid = randomUUID();
  const progress = ringing(endpoint.url, uuid, 'leg');
  await harness.publish([progress]);
  const spans = () =>
    exporter
      .getFinishedSpans()
      .filter((span) => span.spanContext().traceId === traceId(uuid) && span.kind !== SpanKind.INTERNAL);
  await until('all spans have ended', () => spans().length === 3);

  const [processed] = spans().filter((span) => span.kind === SpanKind.CONSUMER);
  const attempts = spans().filter((span) => span.kind === SpanKind.CLIENT);
  expect(processed?.name).toBe('process progress');
  expect(processed?.parentSpanContext?.spanId).toBe(rootSpanId(uuid));
  expect(attempts.map((span) => span.parentSpanContext?.spanId)).toEqual(
    Array(2).fill(processed?.spanContext().spanId),
  );
  expect(
    attempts.map(({ name, attributes, status }) => ({ name, ...attributes, code: status.code })),
  ).toEqual([
    expect.objectContaining({
      name: 'POST',
      'dialhook.attempt': 1,
      'http.response.status_code': 503,
      'dialhook.result': 'http_status',
      code: SpanStatusCode.ERROR,
    }),
    expect.objectContaining({
      'dialhook.attempt': 2,
      'http.response.status_code': 204,
      'dialhook.result': 'delivered',
      'dialhook.notification': idsOf([progress])[0],
      'url.scheme': 'http',
      code: SpanStatusCode.UNSET,
    }),
  ]);
  expect(endpoint.arrivals.map(({ headers }) => headers['traceparent'])).toEqual(
    attempts.map((span) => `00-${traceId(uuid)}-${span.spanContext().spanId}-01`),
  );
});
