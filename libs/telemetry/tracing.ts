import { randomBytes } from 'node:crypto';
import {
  type Attributes,
  type Context,
  context,
  ROOT_CONTEXT,
  type Span,
  type SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace';
import { rootSpanId, traceId } from './call-ids.ts';

const MAX_QUEUED_SPANS = 50_000;
const propagator = new W3CTraceContextPropagator();

/** Ids are random, except for the one span whose ids were chosen right before it starts. */
class ChosenIds {
  chosen: { traceId: string; spanId: string } | undefined;
  generateTraceId(): string {
    return this.chosen?.traceId ?? randomBytes(16).toString('hex');
  }
  generateSpanId(): string {
    return this.chosen?.spanId ?? randomBytes(8).toString('hex');
  }
}

const ids = new ChosenIds();
const tracer = () => trace.getTracer('dialhook');

const exportsTraces = (env: NodeJS.ProcessEnv): boolean =>
  env['OTEL_SDK_DISABLED'] !== 'true' &&
  env['OTEL_TRACES_EXPORTER'] !== 'none' &&
  Boolean(env['OTEL_EXPORTER_OTLP_ENDPOINT'] || env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']);

/** Starts the OTLP export of spans when the usual OTEL_* variables name a collector. Returns what ends it. */
export function startTracing(service: string, env: NodeJS.ProcessEnv = process.env): () => Promise<void> {
  if (!exportsTraces(env)) return async () => {};
  const sdk = new NodeSDK({
    serviceName: env['OTEL_SERVICE_NAME'] ?? `dialhook-${service}`,
    idGenerator: ids,
    spanProcessors: [
      new BatchSpanProcessor({ exporter: new OTLPTraceExporter(), maxQueueSize: MAX_QUEUED_SPANS }),
    ],
  });
  sdk.start();
  return () => sdk.shutdown();
}

/** Emits the root span of a call, once, when the call is over: its children may have been exported long before. */
export function emitCallSpan(uuid: string, startTime: Date, endTime: Date, attributes: Attributes): void {
  ids.chosen = { traceId: traceId(uuid), spanId: rootSpanId(uuid) };
  try {
    tracer().startSpan('call', { root: true, startTime, attributes }, ROOT_CONTEXT).end(endTime);
  } finally {
    ids.chosen = undefined;
  }
}

/** Runs `work` inside a span under `parent`. A throw is recorded on the span and thrown on. */
export async function inSpan<T>(
  name: string,
  options: { readonly parent: Context; readonly kind: SpanKind; readonly attributes?: Attributes },
  work: (span: Span, spanContext: Context) => Promise<T>,
): Promise<T> {
  const { parent, kind, attributes = {} } = options;
  const span = tracer().startSpan(name, { kind, attributes }, parent);
  const spanContext = trace.setSpan(parent, span);
  try {
    return await context.with(spanContext, () => work(span, spanContext));
  } catch (error) {
    span.recordException(error as Error);
    span.setStatus({ code: SpanStatusCode.ERROR, message: (error as Error).message });
    throw error;
  } finally {
    span.end();
  }
}

/** The `traceparent` (and `tracestate`) that carry a context over a wire. */
export function traceHeaders(spanContext: Context): Record<string, string> {
  const carrier: Record<string, string> = {};
  propagator.inject(spanContext, carrier, {
    set: (to, key, value) => Object.assign(to, { [key]: String(value) }),
  });
  return carrier;
}

/** The context that `traceHeaders` wrote; `fallback` when there is none or it cannot be read. */
export function contextFromHeaders(read: (name: string) => string | undefined, fallback: Context): Context {
  const extracted = propagator.extract(ROOT_CONTEXT, null, { get: (_, key) => read(key), keys: () => [] });
  return trace.getSpanContext(extracted) === undefined ? fallback : extracted;
}
