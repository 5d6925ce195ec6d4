import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiServer, missing } from './api-server.ts';
import { defineCustomResources } from './custom-resources.ts';
import { EARLIER } from './earlier.ts';
import { CHART, HELMS, type Helm, helm, render } from './helm.ts';
import { podOf } from './manifests.ts';
import { VALUE_SETS } from './value-sets.ts';

/**
 * Against a real API server, where its programs are to be had: what it accepts, what an upgrade changes, and what is
 * left behind. There are no nodes, so no pod runs.
 */
if (missing !== undefined) console.warn(`helm against a real API server: left out, ${missing}`);

/** Of the three nodes; the pod of `helm test` comes later, and helm's own record of the release comes on top. */
const OBJECTS = 20;

const PLURALS: Readonly<Record<string, string>> = { NetworkPolicy: 'networkpolicies', Ingress: 'ingresses' };

/** Not helm's own record of a release. */
const isChart = (object: string): boolean => !object.startsWith('Secret sh.helm.release');

const set = (name: string): string => VALUE_SETS.find((one) => one.name === name)?.path ?? '';

describe.skipIf(missing !== undefined)('against a real API server', () => {
  let server: ApiServer;
  const on =
    (run: Helm): Helm =>
    (...args) =>
      run(...args, '--kubeconfig', server.kubeconfig);
  const namespace = (name: string, level: string) =>
    server.call('POST', '/api/v1/namespaces', {
      metadata: { name, labels: { 'pod-security.kubernetes.io/enforce': level } },
    });
  const replicas = async (name: string) =>
    (await server.call('GET', `/apis/apps/v1/namespaces/telephony/deployments/${name}`)).body.spec?.replicas;

  beforeAll(async () => {
    server = await ApiServer.start();
    await defineCustomResources(server);
    await namespace('telephony', 'restricted');
    await namespace('voice', 'privileged');
    await server.call('POST', '/apis/scheduling.k8s.io/v1/priorityclasses', {
      metadata: { name: 'telephony' },
      value: 1000,
    });
  }, 60_000);
  afterAll(() => server?.stop());

  it.each(VALUE_SETS)('takes every object of $name', async ({ name, path }) => {
    // The newest Helm is the strictest.
    const cluster = on(HELMS.at(-1)?.run ?? helm);
    await cluster('install', name, CHART, '--namespace', 'telephony', '-f', path);
    await cluster('uninstall', name, '--namespace', 'telephony');
    for (const manifest of await render('-f', path)) {
      const { apiVersion, kind } = manifest;
      const base = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
      const plural = PLURALS[kind] ?? `${kind.toLowerCase()}s`;
      if (kind === 'Pod') continue;
      const { status, body } = await server.call(
        'POST',
        `${base}/namespaces/telephony/${plural}?dryRun=All&fieldValidation=Strict`,
        manifest,
      );
      expect(body.message, `${kind} ${manifest.metadata.name}`).toBeUndefined();
      expect(status).toBe(201);
    }
  });

  describe.each(HELMS)('$name', ({ run }) => {
    const cluster = on(run);

    it('installs, upgrades, rolls back and leaves nothing behind', async () => {
      const before = await server.objects('telephony');
      const release = ['dialhook', CHART, '--namespace', 'telephony'];
      await cluster('install', ...release, '-f', set('three-nodes-load-balancer'));
      const installed = await server.objects('telephony');
      expect(installed).toHaveLength(before.length + OBJECTS + 1);
      expect(await replicas('dialhook-router')).toBe(2);
      expect(await replicas('dialhook-agent-fs3')).toBe(3);

      await cluster('upgrade', ...release, '-f', set('one-node'), '--set', 'router.replicas=5');
      expect(await replicas('dialhook-router')).toBe(5);
      expect(await replicas('dialhook-agent-fs3')).toBeUndefined();

      await cluster('rollback', 'dialhook', '1', '--namespace', 'telephony');
      expect(await replicas('dialhook-router')).toBe(2);
      expect(await replicas('dialhook-agent-fs3')).toBe(3);
      expect((await server.objects('telephony')).filter(isChart)).toEqual(installed.filter(isChart));

      await cluster('uninstall', 'dialhook', '--namespace', 'telephony');
      expect(await server.objects('telephony')).toEqual(before);
    });

    it('keeps the replicas set by an autoscaler during an upgrade', async () => {
      const release = [
        'scaled',
        CHART,
        '--namespace',
        'telephony',
        '--set',
        'router.autoscaling.enabled=true',
      ];
      await cluster('install', ...release);
      const path = '/apis/apps/v1/namespaces/telephony/deployments/scaled-dialhook-router';
      const { body } = await server.call('GET', `${path}/scale`);
      await server.call('PUT', `${path}/scale`, { ...body, spec: { replicas: 7 } });
      await cluster('upgrade', ...release, '--set', 'logLevel=debug');
      expect(await replicas('scaled-dialhook-router')).toBe(7);
      await cluster('uninstall', 'scaled', '--namespace', 'telephony');
    });

    it('changes nothing when upgraded to the same', async () => {
      const release = ['same', CHART, '--namespace', 'telephony', '-f', set('locked-down')];
      const generations = async () => {
        const { body } = await server.call('GET', '/apis/apps/v1/namespaces/telephony/deployments');
        return body.items.map(({ metadata }: { metadata: { name: string; generation: number } }) => [
          metadata.name,
          metadata.generation,
        ]);
      };
      await cluster('install', ...release);
      await cluster('upgrade', ...release);
      const after = await generations();
      expect(after).toHaveLength(3);
      expect(after.map(([, generation]: [string, number]) => generation)).toEqual([1, 1, 1]);
      await cluster('uninstall', 'same', '--namespace', 'telephony');
    });

    it.skipIf(EARLIER === undefined)('upgrades from the last release, and back', async () => {
      const values = join(EARLIER ?? '', 'test', 'e2e', 'helm', 'values', 'three-nodes-load-balancer.yaml');
      const flags = ['--namespace', 'telephony', '-f', values];
      const before = await server.objects('telephony');
      await cluster('install', 'old', join(EARLIER ?? '', 'helm', 'dialhook'), ...flags);
      const installed = await server.objects('telephony');
      await cluster('upgrade', 'old', CHART, ...flags);
      expect(await server.objects('telephony')).toEqual(expect.arrayContaining(installed));
      await cluster('rollback', 'old', '1', '--namespace', 'telephony');
      expect((await server.objects('telephony')).filter(isChart)).toEqual(installed.filter(isChart));
      await cluster('uninstall', 'old', '--namespace', 'telephony');
      expect(await server.objects('telephony')).toEqual(before);
    });
  });

  it.skipIf(HELMS.length === 1)('upgrades with Helm 4 what Helm 3 has installed', async () => {
    const before = await server.objects('telephony');
    const release = ['three', CHART, '--namespace', 'telephony', '-f', set('three-nodes-load-balancer')];
    const [three, four] = HELMS.map(({ run }) => on(run));
    await three?.('install', ...release);
    await four?.('upgrade', ...release, '--set', 'router.replicas=5');
    expect(await replicas('three-dialhook-router')).toBe(5);
    await four?.('uninstall', 'three', '--namespace', 'telephony');
    expect(await server.objects('telephony')).toEqual(before);
  });

  it('makes pods that the restricted Pod Security Standard admits, but for those on the host network', async () => {
    const admitted = async (values: string, space: string) => {
      const manifests = await render('-f', set(values), '--namespace', space);
      const account = manifests.find(({ kind }) => kind === 'ServiceAccount');
      await server.call('POST', `/api/v1/namespaces/${space}/serviceaccounts`, account);
      const answers: [string, string][] = [];
      for (const manifest of manifests) {
        const pod = podOf(manifest);
        if (pod === undefined) continue;
        const name = manifest.metadata.name;
        const spec = { ...pod.spec, restartPolicy: undefined };
        const { status, body } = await server.call('POST', `/api/v1/namespaces/${space}/pods?dryRun=All`, {
          metadata: { name },
          spec,
        });
        answers.push([name, status === 201 ? 'admitted' : body.message]);
      }
      await server.call('DELETE', `/api/v1/namespaces/${space}/serviceaccounts/dialhook`);
      return Object.fromEntries(answers);
    };
    const three = await admitted('three-nodes-load-balancer', 'telephony');
    expect(Object.keys(three)).toHaveLength(6);
    expect(new Set(Object.values(three))).toEqual(new Set(['admitted']));

    const host = await admitted('daemon-set', 'telephony');
    expect(host).toMatchObject({
      'dialhook-agent': expect.stringMatching(/violates PodSecurity "restricted:latest": host namespaces/),
      'dialhook-router': 'admitted',
      'dialhook-notifier': 'admitted',
    });
    expect(new Set(Object.values(await admitted('daemon-set', 'voice')))).toEqual(new Set(['admitted']));
  });
});
