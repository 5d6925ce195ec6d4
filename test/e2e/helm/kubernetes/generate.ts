import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

/**
 * Writes schemas.json: of Kubernetes' OpenAPI, what the chart's kinds need, strict (no unknown fields).
 *
 *   node test/e2e/helm/kubernetes/generate.ts SWAGGER_JSON     api/openapi-spec/swagger.json of a Kubernetes release, or
 *                                                          /openapi/v2 of an API server
 */
const KINDS: Readonly<Record<string, string>> = {
  'v1/ConfigMap': 'io.k8s.api.core.v1.ConfigMap',
  'v1/Pod': 'io.k8s.api.core.v1.Pod',
  'v1/Service': 'io.k8s.api.core.v1.Service',
  'v1/ServiceAccount': 'io.k8s.api.core.v1.ServiceAccount',
  'apps/v1/DaemonSet': 'io.k8s.api.apps.v1.DaemonSet',
  'apps/v1/Deployment': 'io.k8s.api.apps.v1.Deployment',
  'autoscaling/v2/HorizontalPodAutoscaler': 'io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler',
  'networking.k8s.io/v1/Ingress': 'io.k8s.api.networking.v1.Ingress',
  'networking.k8s.io/v1/NetworkPolicy': 'io.k8s.api.networking.v1.NetworkPolicy',
  'policy/v1/PodDisruptionBudget': 'io.k8s.api.policy.v1.PodDisruptionBudget',
};

type Json = { [key: string]: unknown };

/** Kubernetes' own words for values of two types. */
const MIXED: Readonly<Record<string, readonly Json[]>> = {
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': [{ type: 'integer' }, { type: 'string' }],
  'io.k8s.apimachinery.pkg.api.resource.Quantity': [{ type: 'number' }, { type: 'string' }],
};

function trimmed(value: unknown, found: (definition: string) => void): unknown {
  if (Array.isArray(value)) return value.map((one) => trimmed(one, found));
  if (value === null || typeof value !== 'object') return value;
  const kept: Json = {};
  for (const [key, inner] of Object.entries(value)) {
    if (key.startsWith('x-') || key === 'default') continue;
    if ((key === 'description' || key === 'format') && typeof inner === 'string') continue;
    if (key === '$ref') {
      const definition = String(inner).replace('#/definitions/', '');
      found(definition);
      kept['$ref'] = `#/$defs/${definition}`;
    } else kept[key] = trimmed(inner, found);
  }
  if (kept['properties'] !== undefined && kept['type'] === 'object') kept['additionalProperties'] ??= false;
  return kept;
}

const [file = '/dev/stdin'] = parseArgs({ allowPositionals: true }).positionals;
const { info, definitions } = JSON.parse(readFileSync(file, 'utf8')) as {
  info: { version: string };
  definitions: Record<string, unknown>;
};
const $defs: Record<string, unknown> = {};
const todo = Object.values(KINDS).slice();
for (let name = todo.pop(); name !== undefined; name = todo.pop())
  if (!(name in $defs))
    $defs[name] =
      name in MIXED ? { anyOf: MIXED[name] } : trimmed(definitions[name], (one) => todo.push(one));

const sorted = Object.fromEntries(Object.entries($defs).sort(([a], [b]) => (a < b ? -1 : 1)));
const schemas = { version: info.version, kinds: KINDS, $defs: sorted };
writeFileSync(join(import.meta.dirname, 'schemas.json'), `${JSON.stringify(schemas, undefined, 2)}\n`);
