import { z } from 'zod';

/** Of Prometheus's operator, what the chart's kinds use: strict, as its custom resource definitions are. */

const Duration = z
  .string()
  .regex(/^(0|(([0-9]+)y)?(([0-9]+)w)?(([0-9]+)d)?(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?)$/);
const Words = z.record(z.string(), z.string());

const head = <K extends string>(kind: K) => ({
  apiVersion: z.literal('monitoring.coreos.com/v1'),
  kind: z.literal(kind),
  metadata: z.strictObject({
    name: z.string().regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/),
    namespace: z.string(),
    labels: Words,
    annotations: Words.optional(),
  }),
});

const Requirement = z.strictObject({
  key: z.string(),
  operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
  values: z.array(z.string()).optional(),
});

const PodMonitor = z.strictObject({
  ...head('PodMonitor'),
  spec: z.strictObject({
    jobLabel: z.string().optional(),
    selector: z.strictObject({
      matchLabels: Words.optional(),
      matchExpressions: z.array(Requirement).optional(),
    }),
    podMetricsEndpoints: z.array(
      z.strictObject({ port: z.string(), path: z.string(), interval: Duration, scrapeTimeout: Duration }),
    ),
  }),
});

const Rule = z.strictObject({
  alert: z.string().min(1),
  expr: z.string(),
  for: Duration.optional(),
  labels: Words.optional(),
  annotations: Words.optional(),
});

const PrometheusRule = z.strictObject({
  ...head('PrometheusRule'),
  spec: z.strictObject({
    groups: z.array(z.strictObject({ name: z.string().min(1), rules: z.array(Rule) })),
  }),
});

export const MONITORING: Readonly<Record<string, z.ZodType>> = {
  'monitoring.coreos.com/v1/PodMonitor': PodMonitor,
  'monitoring.coreos.com/v1/PrometheusRule': PrometheusRule,
};
