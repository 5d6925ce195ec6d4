import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { DASHBOARDS } from '../../../deploy/grafana/dashboards.ts';
import { CHART, render } from './helm.ts';
import { byKind, type Manifest, podOf } from './manifests.ts';

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly { readonly annotations: Readonly<Record<string, string>> }[];
  }[];
}

describe('monitoring', () => {
  let manifests: readonly Manifest[];
  beforeAll(async () => {
    manifests = await render('-f', join(import.meta.dirname, 'values', 'monitored.yaml'));
  });
  const one = (kind: string) => manifests.find((manifest) => manifest.kind === kind);

  it('is off unless it is wanted: a cluster without the operator has not these kinds', async () => {
    const plain = byKind(await render('-f', join(import.meta.dirname, 'values', 'one-node.yaml')));
    for (const kind of ['PodMonitor', 'PrometheusRule', 'ConfigMap']) expect(plain[kind]).toBeUndefined();
  });

  it('scrapes the pods of every service, and not that of the test, on a port that they have', () => {
    const { selector, podMetricsEndpoints } = one('PodMonitor')?.spec ?? {};
    const [{ key, operator, values }] = selector.matchExpressions;
    expect(operator).toBe('NotIn');
    const scraped = manifests.flatMap((manifest) => {
      const pod = podOf(manifest);
      const chosen =
        pod !== undefined &&
        Object.entries(selector.matchLabels).every(([name, value]) => pod.labels[name] === value) &&
        !values.includes(pod.labels[key]);
      return chosen ? [{ name: manifest.metadata.name, pod }] : [];
    });
    expect(scraped.map(({ name }) => name).sort()).toEqual([
      'dialhook-agent-fs1',
      'dialhook-notifier',
      'dialhook-router',
    ]);
    for (const { pod } of scraped)
      expect(pod.spec.containers[0]?.ports.map(({ name }) => name)).toContain(podMetricsEndpoints[0].port);
  });

  it('is let in by every policy of a service', () => {
    const policies = manifests.filter(
      ({ kind, metadata }) =>
        kind === 'NetworkPolicy' && metadata.labels?.['app.kubernetes.io/component'] !== 'test',
    );
    expect(policies).toHaveLength(3);
    for (const { spec } of policies)
      expect(spec.ingress).toContainEqual({ ports: [{ port: 'health', protocol: 'TCP' }] });
  });

  it('has the rules of deploy/prometheus, with links to where the runbook is', () => {
    const wanted = parse(
      readFileSync(join(CHART, '..', '..', 'deploy', 'prometheus', 'rules.yaml'), 'utf8'),
    ) as Rules;
    const linked = JSON.stringify(wanted).replaceAll(
      'docs/runbook.md',
      'https://wiki.example/dialhook/runbook',
    );
    expect(one('PrometheusRule')?.spec).toEqual(JSON.parse(linked));
  });

  it('has the dashboards of deploy/grafana, with the label that the sidecar looks for', () => {
    const maps = manifests.filter(({ kind }) => kind === 'ConfigMap');
    expect(maps).toHaveLength(DASHBOARDS.length);
    for (const map of maps) {
      expect(map.metadata.labels).toMatchObject({ grafana_dashboard: '1' });
      expect(map.metadata.annotations).toEqual({ grafana_folder: 'Telephony' });
      const [[file = '', text = ''] = []] = Object.entries(
        (map as unknown as { data: Record<string, string> }).data,
      );
      const path = join(CHART, '..', '..', 'deploy', 'grafana', file.replace('dialhook-', ''));
      expect(JSON.parse(text)).toEqual(JSON.parse(readFileSync(path, 'utf8')));
    }
  });
});
