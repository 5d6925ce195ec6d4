import { z } from 'zod';
import { AgentSettings } from '#services/agent/config.ts';
import { ConsoleSettings } from '#services/console/config.ts';
import { NotifierSettings } from '#services/notifier/config.ts';
import { RouterSettings } from '#services/router/config.ts';

/** The JSON Schema of the chart's values. The schemas of the services' settings are those of the services. */

export interface Schema {
  type?: string | readonly string[];
  title?: string;
  description?: string;
  properties?: Record<string, Schema>;
  required?: readonly string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
  [keyword: string]: unknown;
}

const DNS_LABEL = '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$';
const DNS_NAME = '^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$';
const SECRET_KEY = '^[-._a-zA-Z0-9]+$';
const QUANTITY = '^[0-9]+(\\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$';

const text = (extra: Schema = {}): Schema => ({ type: 'string', ...extra });
const word = (pattern: string, extra: Schema = {}): Schema => text({ pattern, ...extra });
const orEmpty = (pattern: string): Schema => word(`^$|${pattern}`);
const flag: Schema = { type: 'boolean' };
const whole = (minimum: number, maximum: number): Schema => ({ type: 'integer', minimum, maximum });
const oneOf = (...values: readonly string[]): Schema => ({ type: 'string', enum: values });
const port = whole(1, 65_535);
const host = word('^[0-9A-Za-z]([0-9A-Za-z.-]*[0-9A-Za-z])?$|^[0-9A-Fa-f:]+$', { maxLength: 253 });
const objects: Schema = { type: 'array', items: { type: 'object' } };
const anything: Schema = { type: 'object' };
const ports: Schema = { type: 'array', items: port };
const strings = (values: Schema): Schema => ({ type: 'object', additionalProperties: values });
const labels = strings(word('^(([A-Za-z0-9][A-Za-z0-9_.-]{0,61})?[A-Za-z0-9])?$'));
const annotations = strings(text());
const duration = word('^([0-9]+(s|m))+$');
const user = orEmpty('^[^\\s:@]+@[^\\s:@]+$');
const share: Schema = { type: ['integer', 'string'], minimum: 1, pattern: '^([1-9][0-9]?|100)%$' };

const object = (properties: Record<string, Schema>, required: readonly string[] = []): Schema => ({
  type: 'object',
  additionalProperties: false,
  properties,
  ...(required.length > 0 ? { required } : {}),
});

const secretRef = (key: string): Schema =>
  object({ name: orEmpty(DNS_NAME), [key]: word(SECRET_KEY, { maxLength: 253 }) });

/** URLs without a password: the chart writes them into the pods, where they are readable. */
const urls = (...schemes: readonly string[]): Schema => {
  const one = `(${schemes.join('|')})://[^@,\\s]+`;
  return word(`^${one}(,${one})*$`);
};

/** Settings that the chart derives from other values; all others may be set by name. */
const GIVEN_BY_THE_CHART = new Set([
  'NATS_USER',
  'NATS_CREDS_FILE',
  'NATS_TLS_CA_FILE',
  'NATS_TLS_CERT_FILE',
  'NATS_TLS_KEY_FILE',
  'NATS_URL',
  'REDIS_URL',
  'REDIS_USER',
  'HEALTH_HOST',
  'HEALTH_PORT',
  'STOP_DEADLINE_MS',
  'NODE_NAME',
  'FREESWITCH_HOST',
  'FREESWITCH_PORT',
  'FREESWITCH_USER',
  'FREESWITCH_PASSWORD',
  'SOCKET_HOST',
  'SOCKET_PORT',
  'EMBEDDED_ROUTER',
  'CONSOLE_HOST',
  'CONSOLE_PORT',
  'TRACE_URL_TEMPLATE',
]);

function settings(service: z.ZodObject): Schema {
  const { properties = {} } = z.toJSONSchema(service, { io: 'input', unrepresentable: 'any' });
  const free = Object.entries(properties as Record<string, Schema>).filter(
    ([name, { secret }]) => !GIVEN_BY_THE_CHART.has(name) && secret !== true,
  );
  return object(
    Object.fromEntries(free.map(([name, { unit: _, default: __, ...schema }]) => [name, schema])),
  );
}

const quantities: Schema = {
  type: 'object',
  additionalProperties: { type: ['string', 'integer'], pattern: QUANTITY },
  required: ['cpu', 'memory'],
};
const resources = object({ requests: quantities, limits: quantities, claims: objects }, [
  'requests',
  'limits',
]);

const scheduling = {
  nodeSelector: strings(text()),
  tolerations: objects,
  affinity: anything,
  priorityClassName: orEmpty(DNS_NAME),
};

const pods = {
  resources,
  ...scheduling,
  strategy: anything,
  podLabels: labels,
  podAnnotations: annotations,
  extraEnv: { type: 'array', items: { type: 'object', required: ['name'] } },
  extraEnvFrom: objects,
  extraVolumes: { type: 'array', items: { type: 'object', required: ['name'] } },
  extraVolumeMounts: { type: 'array', items: { type: 'object', required: ['name', 'mountPath'] } },
};

const stopping = {
  stopDeadlineMs: whole(0, 600_000),
  terminationGracePeriodSeconds: whole(1, 3_600),
};

const service = {
  type: oneOf('ClusterIP', 'NodePort', 'LoadBalancer'),
  annotations,
  loadBalancerClass: text(),
  loadBalancerSourceRanges: { type: 'array', items: word('^[0-9A-Fa-f.:]+/[0-9]{1,3}$') },
  externalTrafficPolicy: oneOf('Cluster', 'Local'),
  ipFamilyPolicy: oneOf('', 'SingleStack', 'PreferDualStack', 'RequireDualStack'),
};

const eventSocketPassword = object({ name: word(DNS_NAME), key: word(SECRET_KEY, { default: 'password' }) }, [
  'name',
]);

const node: Schema = object(
  {
    name: word(DNS_LABEL, {
      maxLength: 40,
      description:
        'Name of the FreeSWITCH node: NODE_NAME in requests, notifications and logs, and part of the names of its objects.',
    }),
    host: { ...host, description: "Host of FreeSWITCH's event socket, as seen from the agents." },
    port: { ...port, default: 8021, description: "Port of FreeSWITCH's event socket." },
    user: {
      ...user,
      description:
        "Directory user to log in as, user@domain; without it the agents log in with the event socket's password.",
    },
    existingSecret: {
      ...eventSocketPassword,
      description: 'An existing Secret with the password: `name`, and `key` (default `password`).',
    },
    replicas: {
      ...whole(0, 10),
      description: 'Number of agents for this node; overrides `agents.replicas`.',
    },
    socketPort: {
      ...port,
      default: 8084,
      description: 'Port on which the agents accept calls, in the pods and in the Service.',
    },
    healthPort: {
      ...port,
      default: 9101,
      description: 'Health port; change it if two agents share a host network.',
    },
    hostNetwork: {
      ...flag,
      default: false,
      description:
        'Run the agents on the host network. The restricted Pod Security Standard does not allow it.',
    },
    listenHost: {
      ...text(),
      description: 'Address on which the agents listen; overrides `agents.listenHost`.',
    },
    settings: {
      ...settings(AgentSettings),
      description: 'Settings of the agents; override `agents.settings`.',
    },
    service: {
      ...object({
        ...service,
        nodePort: {
          ...whole(30_000, 32_767),
          description: 'Port on every Kubernetes node, for NodePort and LoadBalancer.',
        },
        loadBalancerIP: text({
          description: 'Address of the load balancer, if the provider supports it.',
        }),
        clusterIP: text({ description: 'Address inside the cluster.' }),
      }),
      description:
        'Overrides `agents.service` for this node; also `nodePort`, `loadBalancerIP`, `clusterIP`.',
    },
    resources: { ...resources, description: 'Overrides `agents.resources`.' },
    nodeSelector: { ...scheduling.nodeSelector, description: 'Overrides `agents.nodeSelector`.' },
    tolerations: { ...scheduling.tolerations, description: 'Overrides `agents.tolerations`.' },
    affinity: { ...scheduling.affinity, description: 'Overrides `agents.affinity`.' },
    podLabels: { ...labels, description: 'Merged into `agents.podLabels`.' },
    podAnnotations: { ...annotations, description: 'Merged into `agents.podAnnotations`.' },
    extraEnv: {
      ...pods.extraEnv,
      description: 'Appended to `agents.extraEnv`; a variable may be set only once.',
    },
  },
  ['name', 'host', 'existingSecret'],
);

const autoscaling = object({
  enabled: flag,
  minReplicas: whole(1, 1_000),
  maxReplicas: whole(1, 1_000),
  targetCPUUtilizationPercentage: whole(1, 100),
  behavior: anything,
});

const podDisruptionBudget = object({ enabled: flag, maxUnavailable: share });

const root: Schema = object({
  global: { ...anything, description: 'Values of an umbrella chart; not used by this chart.' },
  nameOverride: orEmpty(DNS_LABEL),
  fullnameOverride: orEmpty(DNS_LABEL),
  commonLabels: labels,
  commonAnnotations: annotations,
  image: object({
    repository: word('^[a-z0-9.:/_-]+$'),
    tag: { ...word('^[A-Za-z0-9_.-]{0,128}$'), not: { const: 'latest' } },
    digest: orEmpty('^sha256:[0-9a-f]{64}$'),
    pullPolicy: oneOf('Always', 'IfNotPresent', 'Never'),
    pullSecrets: { type: 'array', items: word(DNS_NAME), uniqueItems: true },
  }),
  nats: object({
    url: urls('nats', 'tls'),
    existingSecret: secretRef('key'),
    auth: object({
      existingSecret: orEmpty(DNS_NAME),
      user: text(),
      passwordKey: orEmpty(SECRET_KEY),
      tokenKey: orEmpty(SECRET_KEY),
      nkeySeedKey: orEmpty(SECRET_KEY),
      credsKey: orEmpty(SECRET_KEY),
    }),
    tls: object({
      existingSecret: orEmpty(DNS_NAME),
      caKey: orEmpty(SECRET_KEY),
      certKey: orEmpty(SECRET_KEY),
      keyKey: orEmpty(SECRET_KEY),
    }),
  }),
  redis: object({
    url: urls('redis', 'rediss'),
    existingSecret: secretRef('key'),
    auth: object({
      existingSecret: orEmpty(DNS_NAME),
      user: text(),
      passwordKey: orEmpty(SECRET_KEY),
      sentinelPasswordKey: orEmpty(SECRET_KEY),
    }),
  }),
  endpoints: object({ signingSecrets: secretRef('key') }),
  trustedCertificates: object({
    configMap: orEmpty(DNS_NAME),
    secret: orEmpty(DNS_NAME),
    key: word(SECRET_KEY),
  }),
  telemetry: object({
    otlp: object({
      endpoint: orEmpty('^https?://[^@\\s]+$'),
      metrics: flag,
      headers: object({ existingSecret: orEmpty(DNS_NAME), key: word(SECRET_KEY) }),
    }),
    resourceAttributes: strings(text()),
  }),
  monitoring: object({
    podMonitor: object({ enabled: flag, interval: duration, scrapeTimeout: duration, labels }),
    prometheusRule: object({ enabled: flag, labels, runbookUrl: orEmpty('^https?://[^@\\s]+$') }),
    dashboards: object({ enabled: flag, labels, annotations }),
  }),
  logLevel: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal'),
  serviceAccount: object({ create: flag, name: orEmpty(DNS_NAME), annotations }),
  podSecurityContext: anything,
  securityContext: anything,
  topologySpread: {
    type: 'array',
    items: {
      type: 'object',
      required: ['maxSkew', 'topologyKey', 'whenUnsatisfiable'],
      not: { required: ['labelSelector'] },
    },
  },
  agents: object({
    nodes: { type: 'array', items: node },
    replicas: whole(0, 10),
    listenHost: text(),
    settings: settings(AgentSettings),
    embeddedRouter: flag,
    drainSeconds: whole(0, 600),
    ...stopping,
    service: object(service),
    ...pods,
    daemonSet: object({
      enabled: flag,
      host,
      port,
      user,
      existingSecret: secretRef('key'),
      listenHost: text(),
      socketPort: port,
      healthPort: port,
      nodeSelector: strings(text()),
    }),
  }),
  router: object({
    replicas: whole(0, 1_000),
    settings: settings(RouterSettings),
    ...stopping,
    autoscaling,
    podDisruptionBudget,
    ...pods,
  }),
  notifier: object({
    replicas: whole(0, 1_000),
    settings: settings(NotifierSettings),
    ...stopping,
    autoscaling,
    keda: object({
      enabled: flag,
      minReplicas: whole(0, 1_000),
      maxReplicas: whole(1, 1_000),
      natsMonitoring: orEmpty('^[^\\s/@]+:[0-9]{1,5}$'),
      account: text({ minLength: 1 }),
      lagThreshold: whole(1, 1_000_000_000),
      pollingInterval: whole(1, 3_600),
      cooldownPeriod: whole(0, 86_400),
      extraTriggers: { type: 'array', items: { type: 'object', required: ['type', 'metadata'] } },
    }),
    podDisruptionBudget,
    ...pods,
  }),
  console: object({
    enabled: flag,
    replicas: whole(0, 100),
    tokens: object({
      existingSecret: orEmpty(DNS_NAME),
      viewerKey: orEmpty(SECRET_KEY),
      operatorKey: orEmpty(SECRET_KEY),
    }),
    traceUrlTemplate: orEmpty('^https?://[^@\\s]*\\{trace_id\\}'),
    settings: settings(ConsoleSettings),
    ...stopping,
    service: object({ type: service.type, port, annotations }),
    ingress: object({
      enabled: flag,
      className: orEmpty(DNS_NAME),
      host: orEmpty(DNS_NAME),
      tlsSecret: orEmpty(DNS_NAME),
      annotations,
    }),
    podDisruptionBudget,
    ...pods,
  }),
  networkPolicy: object({
    enabled: flag,
    freeswitch: objects,
    console: objects,
    nats: objects,
    natsPorts: ports,
    redis: objects,
    redisPorts: ports,
    endpoints: objects,
    endpointPorts: ports,
    otlp: objects,
    dns: objects,
  }),
  tests: object({ enabled: flag, timeoutMs: whole(1, 600_000), resources }),
});

export const schema: Schema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'Values of the chart dialhook',
  ...root,
};
export const nodeSchema = node;
