import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiServer } from './api-server.ts';

const KINDS = [
  { group: 'monitoring.coreos.com', version: 'v1', kind: 'PodMonitor', plural: 'podmonitors' },
  { group: 'monitoring.coreos.com', version: 'v1', kind: 'PrometheusRule', plural: 'prometheusrules' },
  { group: 'keda.sh', version: 'v1alpha1', kind: 'ScaledObject', plural: 'scaledobjects' },
] as const;

const POLL_MS = 50;

const definition = ({ group, version, kind, plural }: (typeof KINDS)[number]) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.${group}` },
  spec: {
    group,
    scope: 'Namespaced',
    names: { kind, plural, singular: kind.toLowerCase() },
    versions: [
      {
        name: version,
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
});

/**
 * Has an API server know the kinds that operators bring which the chart can work with. What their fields may hold is not
 * known to it: that is tried against schemas.
 */
export async function defineCustomResources(server: ApiServer): Promise<void> {
  for (const one of KINDS) {
    await server.call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition(one));
    const path = `/apis/${one.group}/${one.version}/namespaces/default/${one.plural}`;
    while ((await server.call('GET', path)).status !== 200) await sleep(POLL_MS);
  }
}
