import { ATTRIBUTES, type AttributeName } from '#libs/telemetry/attributes.ts';
import { catalogue, type Instrument, prometheusLabel, prometheusName } from '#libs/telemetry/catalogue.ts';

const PREFIXES: Readonly<Record<string, string>> = { histogram: '_bucket', counter: '_total' };

const inPrometheus = (name: string, { unit, kind }: Instrument): string => {
  const suffix = kind === 'histogram' ? PREFIXES['histogram'] : kind === 'gauge' ? '' : PREFIXES['counter'];
  return `${prometheusName(name, unit, kind)}${suffix}`;
};

const code = (text: string): string => `\`${text}\``;
const row = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

const instruments = (): string[] =>
  Object.entries(catalogue).map(([name, instrument]) =>
    row(
      code(name),
      instrument.kind,
      code(instrument.unit),
      code(inPrometheus(name, instrument)),
      instrument.attributes.map(code).join(', '),
      instrument.by.join(', '),
      instrument.description,
    ),
  );

const valuesOf = (name: AttributeName): string => {
  const attribute = ATTRIBUTES[name];
  return 'open' in attribute ? attribute.open : attribute.values.map(code).join(', ');
};

const attributes = (): string[] =>
  (Object.keys(ATTRIBUTES) as AttributeName[]).map((name) =>
    row(code(name), code(prometheusLabel(name)), ATTRIBUTES[name].description, valuesOf(name)),
  );

const buckets = (): string[] =>
  Object.entries(catalogue).flatMap(([name, { buckets: bounds }]) =>
    bounds === undefined ? [] : [row(code(name), bounds.join(', '))],
  );

/** docs/metrics.md. */
export const metricsPage = (): string => `# Metrics

Generated from the catalogue by \`npm run generate\`; do not edit.

Each service serves its metrics for Prometheus at \`/metrics\` on its health port. It also pushes them by OTLP (protobuf
over HTTP), every \`OTEL_METRIC_EXPORT_INTERVAL\` ms (60,000), if \`OTEL_EXPORTER_OTLP_ENDPOINT\` or
\`OTEL_EXPORTER_OTLP_METRICS_ENDPOINT\` is set and \`OTEL_METRICS_EXPORTER\` is not \`none\`. Names in Prometheus are the
same both ways, with the unit as suffix. \`OTEL_SDK_DISABLED=true\` disables metrics and traces.

The number of series is bounded: every attribute has a known set of values (below), and the OpenTelemetry SDK combines
everything beyond 2,000 series of a metric into one with \`otel.metric.overflow\`.

The SDK for Node exports no exemplars. To get from a metric to a call, use the log: its lines have \`trace_id\`, \`call\`,
\`node\`, \`result\` and \`endpoint\`.

Dashboards are in \`deploy/grafana\`, alerts in \`deploy/prometheus/rules.yaml\`; the [runbook](runbook.md) has a section for
each alert.

## Instruments

${[row('Name', 'Kind', 'Unit', 'In Prometheus', 'Attributes', 'Service', 'Description'), row(...Array(7).fill('---')), ...instruments()].join('\n')}

## Attributes

${[row('Name', 'In Prometheus', 'Description', 'Values'), row(...Array(4).fill('---')), ...attributes()].join('\n')}

## Buckets

Upper bounds in seconds.

${[row('Histogram', 'Bounds'), row('---', '---'), ...buckets()].join('\n')}
`;
