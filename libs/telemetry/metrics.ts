import {
  type Attributes,
  type Counter,
  type Histogram,
  type Meter,
  type ObservableResult,
  ValueType,
} from '@opentelemetry/api';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import {
  defaultResource,
  detectResources,
  envDetector,
  hostDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import {
  type IMetricReader,
  MeterProvider,
  MetricReader,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { originOf } from '#libs/net/url.ts';
import {
  type AttributesOf,
  catalogue,
  INSTRUMENTS,
  type InstrumentName,
  type NameOf,
  prometheusName,
} from './catalogue.ts';
import { INSTANCE_ID } from './instance.ts';

const EXPORT_INTERVAL_MS = 60_000;
const EXPORT_TIMEOUT_MS = 5_000;
/** A metric that a server does not deliver in time is left out, so that it does not delay the scrape. */
const OBSERVE_TIMEOUT_MS = 1_000;

/** Collects metrics on request; OpenTelemetry's Prometheus exporter would open its own port. */
class ScrapeReader extends MetricReader {
  protected override async onShutdown(): Promise<void> {}
  protected override async onForceFlush(): Promise<void> {}
}

export interface Metrics {
  /** All metrics in the text format of Prometheus. */
  scrape(): Promise<string>;
  stop(): Promise<void>;
}

type Observed = readonly [value: number, attributes: Attributes];

interface Running {
  readonly meter: Meter;
  readonly counters: ReadonlyMap<string, Counter>;
  readonly histograms: ReadonlyMap<string, Histogram>;
  readonly endpoints: Set<string>;
  readonly maxEndpoints: number;
}

/** Undefined until `startMetrics`; measurements before that are ignored. */
let running: Running | undefined;

export const pushesMetrics = (env: NodeJS.ProcessEnv): boolean =>
  (env['OTEL_METRICS_EXPORTER'] ?? 'otlp').split(',').includes('otlp') &&
  Boolean(env['OTEL_EXPORTER_OTLP_ENDPOINT'] || env['OTEL_EXPORTER_OTLP_METRICS_ENDPOINT']);

function pushReader(env: NodeJS.ProcessEnv): IMetricReader {
  const exportIntervalMillis = Number(env['OTEL_METRIC_EXPORT_INTERVAL']) || EXPORT_INTERVAL_MS;
  const timeoutMs = Number(env['OTEL_METRIC_EXPORT_TIMEOUT']) || EXPORT_TIMEOUT_MS;
  return new PeriodicExportingMetricReader({
    exporter: new OTLPMetricExporter(),
    exportIntervalMillis,
    exportTimeoutMillis: Math.min(timeoutMs, exportIntervalMillis),
  });
}

/** The instance id distinguishes the metrics of several processes of a service on one host. */
const resourceOf = (service: string, env: NodeJS.ProcessEnv) =>
  defaultResource()
    .merge(resourceFromAttributes({ 'service.instance.id': INSTANCE_ID }))
    .merge(detectResources({ detectors: [envDetector, hostDetector] }))
    .merge(resourceFromAttributes({ 'service.name': env['OTEL_SERVICE_NAME'] ?? `dialhook-${service}` }));

/** Creates the instruments of the catalogue, and pushes them by OTLP when the OTEL_* variables name a collector. */
export function startMetrics(
  service: string,
  maxEndpoints: number,
  env: NodeJS.ProcessEnv = process.env,
): Metrics {
  if (env['OTEL_SDK_DISABLED'] === 'true')
    return { scrape: async () => '# OTEL_SDK_DISABLED is true\n', stop: async () => {} };
  const reader = new ScrapeReader();
  const readers = [reader, ...(pushesMetrics(env) ? [pushReader(env)] : [])];
  const provider = new MeterProvider({ resource: resourceOf(service, env), readers });
  const meter = provider.getMeter('dialhook');
  const counters = new Map<string, Counter>();
  const histograms = new Map<string, Histogram>();
  for (const [name, { kind, unit, description, buckets }] of Object.entries(catalogue)) {
    if (kind === 'counter') counters.set(name, meter.createCounter(name, { unit, description }));
    if (kind === 'histogram') {
      const advice = { explicitBucketBoundaries: [...(buckets ?? [])] };
      histograms.set(name, meter.createHistogram(name, { unit, description, advice }));
    }
  }
  running = { meter, counters, histograms, endpoints: new Set(), maxEndpoints };
  const serializer = new PrometheusSerializer(undefined, false, undefined, false, true);
  return {
    scrape: async () => serializer.serialize(renamed((await reader.collect()).resourceMetrics)),
    stop: () => provider.shutdown({ timeoutMillis: EXPORT_TIMEOUT_MS }),
  };
}

type Collected = Parameters<PrometheusSerializer['serialize']>[0];

/** Adds units to the names, as translations of OTLP to Prometheus do, so that the same queries work for both. */
const renamed = (collected: Collected): Collected => ({
  ...collected,
  scopeMetrics: collected.scopeMetrics.map((scope) => ({
    ...scope,
    metrics: scope.metrics.map((metric) => {
      const { name, unit } = metric.descriptor;
      const kind = catalogue[name]?.kind ?? 'gauge';
      return { ...metric, descriptor: { ...metric.descriptor, name: prometheusName(name, unit, kind) } };
    }),
  })),
});

/** Adds one to a counter. */
export const count = <N extends NameOf<'counter'>>(name: N, attributes: AttributesOf<N>, by = 1): void =>
  running?.counters.get(name)?.add(by, attributes as Attributes);

/** Adds a value in milliseconds to a histogram in seconds. */
export const measureMs = <N extends NameOf<'histogram'>>(
  name: N,
  ms: number,
  attributes: AttributesOf<N>,
): void => running?.histograms.get(name)?.record(Math.max(0, ms) / 1000, attributes as Attributes);

type Reading<N extends InstrumentName> = readonly [value: number, attributes: AttributesOf<N>];

/**
 * Registers a metric that is read at each collection. When `read` fails or takes longer than a second, the metric is left
 * out. A `read` that is still running is not started again.
 */
export function observe<N extends NameOf<'gauge' | 'observed counter'>>(
  name: N,
  read: () => Iterable<Reading<N>> | Promise<Iterable<Reading<N>>>,
): void {
  if (running === undefined) return;
  const { kind, unit, description } = INSTRUMENTS[name];
  const options = { unit, description, valueType: ValueType.DOUBLE };
  const { meter } = running;
  const instrument =
    kind === 'gauge'
      ? meter.createObservableGauge(name, options)
      : meter.createObservableCounter(name, options);
  let reading = false;
  instrument.addCallback(async (result: ObservableResult) => {
    if (reading) return;
    reading = true;
    const pending = Promise.resolve()
      .then(read)
      .finally(() => {
        reading = false;
      });
    const readings = await withTimeout(pending).catch(() => []);
    for (const [value, attributes] of readings as Iterable<Observed>) result.observe(value, attributes);
  });
}

async function withTimeout<T>(work: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('not read in time')), OBSERVE_TIMEOUT_MS);
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** The endpoint attribute of metrics: the origin, `other` beyond METRICS_MAX_ENDPOINTS, `none` for an invalid URL. */
export function endpointOfMetrics(url: string | undefined): string {
  const origin = originOf(url ?? '');
  if (origin === '' || origin === 'null') return 'none';
  if (running === undefined || running.endpoints.has(origin)) return origin;
  if (running.endpoints.size >= running.maxEndpoints) return 'other';
  running.endpoints.add(origin);
  return origin;
}
