import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { renderText } from './helm.ts';

/** Values that the chart refuses, and the error messages. */

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dialhook-values-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const existingSecret = { name: 'freeswitch' };
const node = { name: 'fs1', host: '10.0.0.11', existingSecret };
const extraEnv = (name: string) => [{ name, value: 'x' }];
const withNode = (extra: object) => ({ agents: { nodes: [{ ...node, ...extra }] } });

const REJECTED: readonly (readonly [string, object, readonly string[]])[] = [
  [
    'a scrape interval that is none',
    { monitoring: { podMonitor: { interval: 'often' } } },
    ['/monitoring/podMonitor/interval', 'does not match pattern'],
  ],
  [
    'a monitor of another kind',
    { monitoring: { serviceMonitor: { enabled: true } } },
    ['/monitoring', 'serviceMonitor', 'not allowed'],
  ],
  ['a value that there is not', { routers: {} }, ['routers', 'not allowed']],
  ['a misspelt value of a node', withNode({ hots: 'x' }), ['/agents/nodes/0', 'hots', 'not allowed']],
  [
    'a setting that there is not',
    { router: { settings: { MAX_CALLS: 1 } } },
    ['/router/settings', 'MAX_CALLS'],
  ],
  [
    'a setting that the chart gives itself',
    { notifier: { settings: { REDIS_URL: 'redis://x' } } },
    ['/notifier/settings', 'REDIS_URL'],
  ],
  [
    'a setting of another service',
    { router: { settings: { PROGRESS_REPLICAS: 3 } } },
    ['/router/settings', 'PROGRESS_REPLICAS'],
  ],
  [
    'a setting out of its range',
    { notifier: { settings: { PROGRESS_REPLICAS: 7 } } },
    ['/notifier/settings/PROGRESS_REPLICAS', 'maximum: got 7, want 5'],
  ],
  [
    'a setting of the wrong type',
    { router: { settings: { MAX_CALLS_IN_FLIGHT: 'many' } } },
    ['/router/settings/MAX_CALLS_IN_FLIGHT', 'got string, want integer'],
  ],
  [
    'a node without a name',
    { agents: { nodes: [{ host: 'x', existingSecret }] } },
    ["missing property 'name'"],
  ],
  [
    'a node without a host',
    { agents: { nodes: [{ name: 'x', existingSecret }] } },
    ["missing property 'host'"],
  ],
  [
    'a node without a secret',
    { agents: { nodes: [{ name: 'x', host: 'x' }] } },
    ["missing property 'existingSecret'"],
  ],
  ['a password in the values', withNode({ password: 'ClueCon' }), ['password', 'not allowed']],
  ['a name that no object can have', withNode({ name: 'FS_1' }), ['/agents/nodes/0/name', "'FS_1'"]],
  ['a host with a port', withNode({ host: '10.0.0.11:8021/x' }), ['/agents/nodes/0/host']],
  ['a user without a domain', withNode({ user: 'dialhook' }), ['/agents/nodes/0/user', "'dialhook'"]],
  ['a port beyond ports', withNode({ socketPort: 70_000 }), ['socketPort', 'got 70,000, want 65,535']],
  ['port 0', withNode({ socketPort: 0 }), ['socketPort', 'minimum: got 0, want 1']],
  [
    'a node port out of range',
    withNode({ service: { nodePort: 8084 } }),
    ['/service/nodePort', 'got 8,084, want 30,000'],
  ],
  [
    'a type of Service that there is not',
    { agents: { service: { type: 'ExternalName' } } },
    ['/agents/service/type', "'ClusterIP', 'NodePort', 'LoadBalancer'"],
  ],
  [
    'a source range that is none',
    { agents: { service: { loadBalancerSourceRanges: ['10.0.0.1'] } } },
    ['loadBalancerSourceRanges/0'],
  ],
  ['a password in the URL of NATS', { nats: { url: 'nats://user:secret@nats:4222' } }, ['/nats/url']],
  ['a password in the URL of Redis', { redis: { url: 'redis://:secret@redis:6379' } }, ['/redis/url']],
  ['another scheme', { redis: { url: 'http://redis:6379' } }, ['/redis/url']],
  ['the tag latest', { image: { tag: 'latest' } }, ['/image/tag']],
  ['a digest that is none', { image: { digest: 'sha256:abc' } }, ['/image/digest']],
  ['a log level that there is not', { logLevel: 'verbose' }, ['/logLevel', "'debug'"]],
  ['no memory limit', { router: { resources: { limits: { memory: null } } } }, ["missing property 'memory'"]],
  [
    'a quantity that is none',
    { router: { resources: { limits: { cpu: 'two' } } } },
    ['/limits/cpu', "'two'"],
  ],
  [
    'a selector in topologySpread',
    {
      topologySpread: [
        { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector: {} },
      ],
    },
    ['/topologySpread/0'],
  ],
  [
    'more than all of the pods unavailable',
    { router: { podDisruptionBudget: { maxUnavailable: '101%' } } },
    ['/router/podDisruptionBudget/maxUnavailable'],
  ],
  [
    'less grace than an agent needs',
    { agents: { terminationGracePeriodSeconds: 20 } },
    [
      'agents.terminationGracePeriodSeconds (20 s) must be more than drainSeconds and stopDeadlineMs together (28000 ms): the pod would be killed with work in flight',
    ],
  ],
  [
    'a deadline that outlives the pod',
    { notifier: { stopDeadlineMs: 60_000 } },
    ['notifier.terminationGracePeriodSeconds (30 s) must be more than stopDeadlineMs (60000 ms)'],
  ],
  [
    'a smallest number above the greatest',
    { router: { autoscaling: { enabled: true, minReplicas: 5, maxReplicas: 3 } } },
    ['router.autoscaling.minReplicas (5) must not be more than maxReplicas (3)'],
  ],
  [
    'two autoscalers',
    { notifier: { autoscaling: { enabled: true }, keda: { enabled: true, natsMonitoring: 'nats:8222' } } },
    ['notifier.keda.enabled and notifier.autoscaling.enabled contradict each other'],
  ],
  [
    'KEDA without NATS',
    { notifier: { keda: { enabled: true } } },
    ['notifier.keda.natsMonitoring must be set'],
  ],
  ['two nodes of one name', { agents: { nodes: [node, node] } }, ['agents.nodes has two nodes named "fs1"']],
  [
    'names that are too long',
    { fullnameOverride: 'a'.repeat(50), ...withNode({ name: 'b'.repeat(20) }) },
    ['is longer than 63 characters, the maximum for the name of a Service: set fullnameOverride'],
  ],
  [
    'one port for two things',
    withNode({ socketPort: 9101 }),
    ['socketPort and healthPort of "fs1" must differ (both are 9101)'],
  ],
  [
    'a key of no secret',
    { nats: { auth: { tokenKey: 'token' } } },
    ['nats.auth.existingSecret must be set: the Secret with the key token'],
  ],
  [
    'two ways to log in to NATS',
    { nats: { auth: { existingSecret: 'nats', tokenKey: 'token', credsKey: 'creds' } } },
    ['nats.auth needs exactly one of passwordKey, tokenKey, nkeySeedKey and credsKey'],
  ],
  [
    'a user of NATS without a password',
    { nats: { auth: { existingSecret: 'nats', user: 'dialhook', tokenKey: 'token' } } },
    ['nats.auth.user and nats.auth.passwordKey must be set together'],
  ],
  [
    'a password of Redis of no secret',
    { redis: { auth: { sentinelPasswordKey: 'sentinel' } } },
    ['redis.auth.existingSecret must be set: the Secret with the key sentinel'],
  ],
  [
    'a user of Redis without a password',
    { redis: { auth: { existingSecret: 'redis', user: 'dialhook', sentinelPasswordKey: 'sentinel' } } },
    ['redis.auth.user needs redis.auth.passwordKey'],
  ],
  [
    'a certificate without its key',
    { nats: { tls: { existingSecret: 'nats', certKey: 'tls.crt' } } },
    ['nats.tls.certKey and nats.tls.keyKey must be set together'],
  ],
  [
    'a variable that is set twice',
    { router: { extraEnv: [...extraEnv('A'), ...extraEnv('A')] } },
    ['router.extraEnv sets A twice'],
  ],
  [
    'a variable of a setting',
    { notifier: { settings: { LOG_LEVEL: 'warn' }, extraEnv: extraEnv('LOG_LEVEL') } },
    ['notifier.extraEnv and notifier.settings both set LOG_LEVEL'],
  ],
  [
    'a variable of another value',
    { notifier: { extraEnv: extraEnv('REDIS_URL') } },
    ['notifier.extraEnv and another value of the chart both set REDIS_URL'],
  ],
  [
    'a variable of one node that all nodes have',
    { agents: { extraEnv: extraEnv('A'), nodes: [{ ...node, extraEnv: extraEnv('A') }] } },
    ['agents.nodes: extraEnv of "fs1" and agents.extraEnv both set A'],
  ],
  [
    'a variable of all nodes that is set twice, without a node',
    { agents: { extraEnv: [...extraEnv('A'), ...extraEnv('A')] } },
    ['agents.extraEnv sets A twice'],
  ],
  [
    'a variable of a DaemonSet that another value sets',
    {
      agents: {
        daemonSet: { enabled: true, existingSecret: { name: 'freeswitch' } },
        extraEnv: extraEnv('FREESWITCH_HOST'),
      },
    },
    ['agents.extraEnv and another value of the chart both set FREESWITCH_HOST'],
  ],
  [
    'a pull secret that is named twice',
    { image: { pullSecrets: ['a', 'a'] } },
    ['/image/pullSecrets', 'items at 0 and 1 are equal'],
  ],
  [
    'a DaemonSet without a secret',
    { agents: { daemonSet: { enabled: true } } },
    ['agents.daemonSet.existingSecret.name must be set'],
  ],
];

it.concurrent.each(REJECTED)('refuses %s', async (name, values, words) => {
  const file = join(folder, `${name.replaceAll(/\W/g, '-')}.yaml`);
  writeFileSync(file, stringify(values));
  const said = await renderText('-f', file).then(
    () => 'nothing',
    (error: Error) => error.message,
  );
  for (const word of words) expect(said).toContain(word);
});

it('reports all contradictions at once', async () => {
  const file = join(folder, 'all.yaml');
  writeFileSync(
    file,
    stringify({ router: { stopDeadlineMs: 40_000 }, notifier: { keda: { enabled: true } } }),
  );
  const said = await renderText('-f', file).catch((error: Error) => error.message);
  expect(said).toContain('router.terminationGracePeriodSeconds');
  expect(said).toContain('notifier.keda.natsMonitoring must be set');
});
