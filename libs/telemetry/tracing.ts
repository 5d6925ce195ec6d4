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
import { callContext, legSpanId, rootSpanId, traceId } from './call-ids.ts';
import { Sampling, sampleBy, sampledShare } from './sampling.ts';

const MAX_QUEUED_SPANS = 50_000;
const propagator = new W3CTraceContextPropagator();

/** Generates random ids, except for a span whose ids are set in `chosen` right before it starts. */
class ChosenIds {
  chosen: { readonly traceId: string; readonly spanId: string } | undefined;
  generateTraceId(): string {
    return this.chosen?.traceId ?? randomBytes(16).toString('hex');
  }
  generateSpanId(): string {
    return this.chosen?.spanId ?? randomBytes(8).toString('hex');
  }
}

const ids = new ChosenIds();
let tracing = false;

/** Whether spans are exported. When not, callers can skip collecting their data. */
export const isTracing = (): boolean => tracing;

const tracer = () => trace.getTracer('dialhook');

const exportsTraces = (env: NodeJS.ProcessEnv): boolean =>
  env['OTEL_SDK_DISABLED'] !== 'true' &&
  env['OTEL_TRACES_EXPORTER'] !== 'none' &&
  Boolean(env['OTEL_EXPORTER_OTLP_ENDPOINT'] || env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']);

/** The span queue, as the OTEL_BSP_* variables set it. */
function queueOptions(env: NodeJS.ProcessEnv) {
  const setting = (name: string, option: string) => {
    const value = Number(env[`OTEL_BSP_${name}`]);
    return value > 0 ? { [option]: value } : {};
  };
  return {
    maxQueueSize: MAX_QUEUED_SPANS,
    ...setting('MAX_QUEUE_SIZE', 'maxQueueSize'),
    ...setting('SCHEDULE_DELAY', 'scheduledDelayMillis'),
    ...setting('MAX_EXPORT_BATCH_SIZE', 'maxExportBatchSize'),
    ...setting('EXPORT_TIMEOUT', 'exportTimeoutMillis'),
  };
}

/** Exports spans by OTLP when the OTEL_* variables name a collector. The returned function flushes and stops. */
export function startTracing(service: string, env: NodeJS.ProcessEnv = process.env): () => Promise<void> {
  if (!exportsTraces(env)) return async () => {};
  const exported = new BatchSpanProcessor({ exporter: new OTLPTraceExporter(), ...queueOptions(env) });
  const sampling = new Sampling(sampledShare(env), exported);
  sampleBy(sampling);
  const sdk = new NodeSDK({
    serviceName: env['OTEL_SERVICE_NAME'] ?? `dialhook-${service}`,
    idGenerator: ids,
    sampler: sampling,
    // `startMetrics` exports metrics; without this the SDK would create a second exporter for them.
    metricReaders: [],
    spanProcessors: [sampling],
  });
  sdk.start();
  tracing = true;
  return () => sdk.shutdown();
}

/** A span that has ended before it is emitted. */
export interface PastSpan {
  readonly name: string;
  readonly start: Date | number;
  readonly end: Date | number;
  readonly attributes?: Attributes;
  readonly events?: readonly { readonly name: string; readonly time: Date }[];
  /** The code of the failure, if any. */
  readonly error?: string | undefined;
}

function emit({ name, start, end, attributes = {}, events = [], error }: PastSpan, parent: Context): void {
  const root = parent === ROOT_CONTEXT;
  const span = tracer().startSpan(name, { root, startTime: start, attributes }, parent);
  for (const event of events) span.addEvent(event.name, event.time);
  if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: error });
  span.end(end);
}

/** Emits an ended span below a span that is recording. Times are those of performance.now(). */
export function emitSpan(span: PastSpan, parent: Context): void {
  if (!isRecording(parent)) return;
  const epoch = Date.now() - performance.now();
  emit({ ...span, start: epoch + Number(span.start), end: epoch + Number(span.end) }, parent);
}

function emitWithId(spanId: string, uuid: string, span: PastSpan, parent: Context): void {
  ids.chosen = { traceId: traceId(uuid), spanId };
  try {
    emit(span, parent);
  } finally {
    ids.chosen = undefined;
  }
}

/** Emits the root span of a call when it has ended. Its children may have been exported long before. */
export const emitCallSpan = (uuid: string, span: Omit<PastSpan, 'name'>): void =>
  emitWithId(rootSpanId(uuid), uuid, { ...span, name: 'call' }, ROOT_CONTEXT);

/** Emits the span of a called leg, when it has ended. */
export const emitLegSpan = (uuid: string, leg: string, span: Omit<PastSpan, 'name'>): void =>
  emitWithId(legSpanId(uuid, leg), uuid, { ...span, name: 'leg' }, callContext(uuid));

/** The context of the current span. */
export const currentContext = (): Context => context.active();

/** Runs `work` inside a span below `parent`. A rejection is recorded on the span and passed on. */
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

/** A span that its creator must end, for work that is not a single function. */
export interface OpenSpan {
  readonly context: Context;
  set(key: string, value: string | number | boolean): void;
  fail(error: Error): void;
  end(): void;
}

/** Starts a span under `parent`. The caller must end it. */
export function openSpan(
  name: string,
  options: { readonly parent: Context; readonly kind: SpanKind; readonly attributes?: Attributes },
): OpenSpan {
  const { parent, kind, attributes = {} } = options;
  const span = tracer().startSpan(name, { kind, attributes }, parent);
  return {
    context: trace.setSpan(parent, span),
    set: (key, value) => void span.setAttribute(key, value),
    fail: (error) => {
      span.recordException(error);
      span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
    },
    end: () => span.end(),
  };
}

/** Whether a context has a span of this process that is exported, or may be. */
export const isRecording = (spanContext: Context): boolean =>
  trace.getSpan(spanContext)?.isRecording() === true;

/** The headers `traceparent` and `tracestate` of a context. */
export function traceHeaders(spanContext: Context): Record<string, string> {
  const carrier: Record<string, string> = {};
  propagator.inject(spanContext, carrier, {
    set: (to, key, value) => Object.assign(to, { [key]: String(value) }),
  });
  return carrier;
}

/** The context of headers made by `traceHeaders`; `fallback` when they are missing or invalid. */
export function contextFromHeaders(
  read: (name: string) => string | undefined,
  fallback: () => Context,
): Context {
  const extracted = propagator.extract(ROOT_CONTEXT, null, { get: (_, key) => read(key), keys: () => [] });
  return trace.getSpanContext(extracted) === undefined ? fallback() : extracted;
}
