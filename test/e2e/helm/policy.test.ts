import { beforeAll, describe, expect, it } from 'vitest';
import { decisionSettings } from '#libs/decision/settings.ts';
import { AgentSettings } from '#services/agent/config.ts';
import { ConsoleSettings } from '#services/console/config.ts';
import { NotifierSettings } from '#services/notifier/config.ts';
import { RouterSettings } from '#services/router/config.ts';
import { isKnown, validate } from '#test/e2e/helm/kubernetes/validate.ts';
import { ProbeSettings } from '../../../deploy/probe/config.ts';
import { render } from './helm.ts';
import { type Container, type Manifest, type PodSpec, podOf, selects } from './manifests.ts';
import { VALUE_SETS } from './value-sets.ts';

/** What must hold of every object, whatever the values. */

const SETTINGS: Readonly<Record<string, readonly string[]>> = {
  'services/agent/main.ts': [...Object.keys(AgentSettings.shape), ...Object.keys(decisionSettings)],
  'services/router/main.ts': Object.keys(RouterSettings.shape),
  'services/notifier/main.ts': Object.keys(NotifierSettings.shape),
  'services/console/main.ts': Object.keys(ConsoleSettings.shape),
  'deploy/probe/main.ts': [...Object.keys(ProbeSettings.shape), ...Object.keys(AgentSettings.shape)],
};
/** Kinds that are not Kubernetes' own, by the set of values. */
const FOREIGN: Readonly<Record<string, readonly string[]>> = {
  autoscaled: ['ScaledObject'],
  monitored: ['PodMonitor', 'PrometheusRule'],
};
const OF_THE_PLATFORM = /^(OTEL_[A-Z_]+|NODE_EXTRA_CA_CERTS|NODE_OPTIONS|POD_(NAME|NAMESPACE|NODE))$/;

describe.each(VALUE_SETS)('$name', ({ name, path }) => {
  let manifests: readonly Manifest[] = [];
  let pods: readonly { manifest: Manifest; labels: Record<string, string>; spec: PodSpec }[] = [];
  let containers: readonly (readonly [string, Container])[] = [];

  beforeAll(async () => {
    manifests = await render('-f', path);
    pods = manifests.flatMap((manifest) => {
      const pod = podOf(manifest);
      return pod === undefined ? [] : [{ manifest, ...pod }];
    });
    containers = pods.flatMap(({ manifest, spec }) =>
      spec.containers.map((container) => [`${manifest.kind} ${manifest.metadata.name}`, container] as const),
    );
    expect(containers.length).toBeGreaterThan(2);
  });

  const ofKind = (...kinds: readonly string[]) => manifests.filter(({ kind }) => kinds.includes(kind));

  it('is valid for Kubernetes', () => {
    for (const manifest of manifests)
      expect(validate(manifest), `${manifest.kind} ${manifest.metadata.name}`).toBeUndefined();
    expect(manifests.filter((one) => !isKnown(one)).map(({ kind }) => kind)).toEqual(FOREIGN[name] ?? []);
  });

  it('passes the restricted Pod Security Standard', () => {
    for (const { manifest, spec } of pods) {
      const where = `${manifest.kind} ${manifest.metadata.name}`;
      expect(spec['securityContext'], where).toMatchObject({
        runAsNonRoot: true,
        runAsUser: expect.any(Number),
        seccompProfile: { type: 'RuntimeDefault' },
      });
      expect(spec['securityContext'].runAsUser, where).toBeGreaterThan(0);
      expect([spec['hostPID'], spec['hostIPC'], spec['initContainers']], where).toEqual(
        Array(3).fill(undefined),
      );
      expect(spec['hostNetwork'] ?? false, where).toBe(
        (name === 'host-network' && spec.containers[0]?.name === 'agent') || manifest.kind === 'DaemonSet',
      );
      const kinds = (spec['volumes'] ?? []).flatMap((one: object) => Object.keys(one));
      expect(
        kinds.filter((one: string) => !['name', 'configMap', 'secret', 'emptyDir'].includes(one)),
        where,
      ).toEqual([]);
    }
    for (const [where, container] of containers) {
      expect(container['securityContext'], where).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      expect(
        container.ports.filter((one) => 'hostPort' in one),
        where,
      ).toEqual([]);
    }
  });

  it('gives no pod a token of Kubernetes', () => {
    for (const { manifest, spec } of pods)
      expect(spec['automountServiceAccountToken'], manifest.metadata.name).toBe(false);
  });

  it('bounds and requests CPU and memory', () => {
    for (const [where, { resources }] of containers)
      for (const bound of ['requests', 'limits'])
        expect(resources?.[bound], where).toMatchObject({
          cpu: expect.anything(),
          memory: expect.anything(),
        });
  });

  it('probes every service', () => {
    for (const { manifest, spec } of pods.filter(({ manifest }) => manifest.kind !== 'Pod')) {
      const [container] = spec.containers;
      for (const [probe, url] of [
        ['startupProbe', '/healthz'],
        ['livenessProbe', '/healthz'],
        ['readinessProbe', '/readyz'],
      ] as const)
        expect(container?.[probe]?.httpGet, `${manifest.metadata.name} ${probe}`).toEqual({
          path: url,
          port: 'health',
        });
      const health = container?.ports.find((one) => one.name === 'health')?.containerPort;
      expect(container?.env.find((one) => one.name === 'HEALTH_PORT')?.value).toBe(String(health));
    }
  });

  it('lets no pod be killed before its service has had its time', () => {
    for (const { manifest, spec } of pods.filter(({ manifest }) => manifest.kind !== 'Pod')) {
      const [container] = spec.containers;
      const deadline = Number(container?.env.find((one) => one.name === 'STOP_DEADLINE_MS')?.value);
      const drain = (container?.['lifecycle']?.preStop.sleep.seconds ?? 0) * 1000;
      expect((spec.terminationGracePeriodSeconds ?? 0) * 1000, manifest.metadata.name).toBeGreaterThan(
        deadline + drain,
      );
    }
  });

  it('names images by a version or digest', () => {
    for (const [where, { image }] of containers) expect(image, where).toMatch(/:(?!latest$)[\w.-]+$/);
  });

  it('starts services with settings that they have', () => {
    for (const [where, { command, env }] of containers) {
      expect(command[0], where).toBe('node');
      const known = SETTINGS[command[1] ?? ''];
      expect(known, where).toBeDefined();
      const names = env.map((variable) => variable.name);
      expect(names, where).toEqual([...new Set(names)]);
      expect(
        names.filter((variable) => !known?.includes(variable) && !OF_THE_PLATFORM.test(variable)),
        where,
      ).toEqual([]);
    }
  });

  it('does not start without a secret that it needs, and shows none', () => {
    for (const [where, { env }] of containers)
      for (const variable of env) {
        const reference = variable.valueFrom?.secretKeyRef;
        if (reference !== undefined) expect(reference.optional, `${where} ${variable.name}`).toBe(false);
        if (/PASSWORD|HEADERS|TOKEN|SEED|SECRETS/.test(variable.name))
          expect(reference, `${where} ${variable.name}`).toBeDefined();
        if (variable.name.endsWith('_URL')) expect(variable.value ?? '', where).not.toContain('@');
      }
  });

  it('selects with every Service pods that have its port', () => {
    for (const { metadata, spec } of ofKind('Service')) {
      const chosen = pods.filter(({ labels }) => selects(spec.selector, labels));
      expect(
        chosen.map(({ manifest }) => manifest.metadata.name),
        metadata.name,
      ).toEqual([metadata.name]);
      for (const port of spec.ports)
        expect(chosen[0]?.spec.containers[0]?.ports.map((one) => one.name)).toContain(port.targetPort);
    }
  });

  it('has for each Deployment of several pods one budget that lets pods go', () => {
    const budgets = ofKind('PodDisruptionBudget');
    for (const { metadata, spec } of budgets) {
      const chosen = pods.filter(({ labels }) => selects(spec.selector.matchLabels, labels));
      expect(
        chosen.map(({ manifest }) => manifest.metadata.name),
        metadata.name,
      ).toEqual([metadata.name]);
      expect(spec.minAvailable, metadata.name).toBeUndefined();
      expect([1, '25%'], metadata.name).toContain(spec.maxUnavailable);
    }
    const several = ofKind('Deployment').filter(({ spec }) => (spec.replicas ?? 2) > 1);
    expect(budgets.map(({ metadata }) => metadata.name).sort()).toEqual(
      several.map(({ metadata }) => metadata.name).sort(),
    );
  });

  it('selects its own pods with every Deployment, and no pod twice', () => {
    for (const { metadata, spec } of ofKind('Deployment', 'DaemonSet')) {
      const chosen = pods.filter(({ labels }) => selects(spec.selector.matchLabels, labels));
      expect(chosen.map(({ manifest }) => manifest.metadata.name)).toEqual([metadata.name]);
    }
  });

  it('scales workloads of the chart only', () => {
    for (const { spec } of ofKind('HorizontalPodAutoscaler', 'ScaledObject')) {
      const target = manifests.find(
        (one) => one.kind === 'Deployment' && one.metadata.name === spec.scaleTargetRef.name,
      );
      expect(target?.spec.replicas, 'an upgrade would undo what the autoscaler did').toBeUndefined();
      expect(target).toBeDefined();
    }
  });

  it('has a policy for every pod of the network of pods, by ports that it has', () => {
    const policies = ofKind('NetworkPolicy');
    if (name === 'bare') return expect(policies).toEqual([]);
    for (const { manifest, labels, spec } of pods) {
      if (spec['hostNetwork']) continue;
      const own = policies.filter((one) => selects(one.spec.podSelector.matchLabels, labels));
      expect(own, manifest.metadata.name).toHaveLength(1);
      const [policy] = own;
      expect(policy?.spec.policyTypes).toEqual(['Ingress', 'Egress']);
      const names = spec.containers.flatMap(({ ports }) => ports.map((one) => one.name));
      for (const rule of policy?.spec.ingress ?? [])
        for (const { port } of rule.ports) expect(names, manifest.metadata.name).toContain(port);
    }
  });

  it('marks every object as of this release and namespace', () => {
    for (const { metadata } of manifests) {
      expect(metadata.namespace).toBe('telephony');
      expect(metadata.labels).toMatchObject({
        'app.kubernetes.io/name': 'dialhook',
        'app.kubernetes.io/instance': 'dialhook',
        'app.kubernetes.io/managed-by': 'Helm',
      });
    }
    const names = manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    expect(names).toEqual([...new Set(names)]);
  });
});
