import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { CHART, HELMS, helm, KUBERNETES } from './helm.ts';
import { type Manifest, parseManifests } from './manifests.ts';
import { containerOf } from './pod.ts';

/**
 * The umbrella without its foreign charts, which have to be fetched: empty charts of their names and versions stand in
 * for them. So this shows what Dialhook makes of the umbrella's values, not what the foreign charts do.
 */
const STACK = join(CHART, '..', 'dialhook-stack');
const read = (path: string) => parse(readFileSync(path, 'utf8'));
const { dependencies } = read(join(STACK, 'Chart.yaml')) as {
  dependencies: readonly { name: string; version: string; repository: string; condition?: string }[];
};
const values = read(join(STACK, 'values.yaml'));

describe('the chart dialhook-stack', () => {
  const folder = mkdtempSync(join(tmpdir(), 'dialhook-stack-'));
  let manifests: readonly Manifest[];

  beforeAll(async () => {
    cpSync(STACK, folder, { recursive: true });
    rmSync(join(folder, 'charts'), { recursive: true, force: true });
    for (const { name, version } of dependencies) {
      const chart = join(folder, 'charts', name);
      if (name === 'dialhook') cpSync(CHART, chart, { recursive: true });
      else {
        mkdirSync(chart, { recursive: true });
        writeFileSync(join(chart, 'Chart.yaml'), stringify({ apiVersion: 'v2', name, version }));
      }
    }
    const node = { name: 'fs1', host: '10.0.0.11', existingSecret: { name: 'freeswitch' } };
    writeFileSync(join(folder, 'nodes.yaml'), stringify({ dialhook: { agents: { nodes: [node] } } }));
    const flags = ['--kube-version', KUBERNETES, '-f', join(folder, 'nodes.yaml')];
    for (const { run } of HELMS) await run('lint', '--strict', folder, ...flags);
    manifests = parseManifests(await helm('template', 'evening', folder, ...flags));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('pins each chart to one version, and Dialhook to the one beside it', () => {
    expect(dependencies.map(({ name }) => name)).toEqual(['dialhook', 'nats', 'valkey', 'jaeger']);
    for (const { version } of dependencies) expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(dependencies[0]?.version).toBe(read(join(CHART, 'Chart.yaml')).version);
    for (const { name, condition } of dependencies.slice(1)) expect(condition).toBe(`install.${name}`);
    expect(Object.keys(values.install)).toEqual(dependencies.slice(1).map(({ name }) => name));
  });

  it('locks the versions that it pins', () => {
    const lock = read(join(STACK, 'Chart.lock')) as { dependencies: readonly object[] };
    expect(lock.dependencies).toEqual(
      dependencies.map(({ name, version, repository }) => ({ name, version, repository })),
    );
  });

  it('points the services to the servers that it installs', () => {
    const hosts = ['nats', 'valkey', 'jaeger'].map((name) => values[name].fullnameOverride);
    const env = (name: string) =>
      Object.fromEntries(containerOf(manifests, `dialhook-${name}`).env.map((one) => [one.name, one.value]));
    expect(env('notifier')).toMatchObject({
      NATS_URL: `nats://${hosts[0]}:4222`,
      REDIS_URL: `redis://${hosts[1]}:6379`,
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://${hosts[2]}:4318`,
      OTEL_METRICS_EXPORTER: 'none',
    });
    for (const name of ['agent-fs1', 'router']) expect(env(name)['NATS_URL']).toBe(`nats://${hosts[0]}:4222`);
  });

  it('has JetStream on, and a Redis that never evicts', () => {
    expect(values.nats.config.jetstream.enabled).toBe(true);
    expect(values.valkey.valkeyConfig).toContain('maxmemory-policy noeviction');
  });
});
