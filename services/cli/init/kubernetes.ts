import type { Image, OutputFile } from './output.ts';
import type { Answers } from './questions.ts';
import { yaml } from './yaml.ts';

const SECRET = 'dialhook';
/** By key of the Secret: the setting with its value. */
const KEYS: Readonly<Record<string, string>> = {
  'freeswitch-password': 'FREESWITCH_PASSWORD',
  'nats-password': 'NATS_PASSWORD',
  'redis-password': 'REDIS_PASSWORD',
  'signing-secrets': 'ENDPOINT_SIGNING_SECRETS',
  viewers: 'CONSOLE_VIEWER_TOKENS',
  operators: 'CONSOLE_OPERATOR_TOKENS',
};

const auth = (user: string | undefined, password: string | undefined, passwordKey: string) =>
  password === undefined ? undefined : { existingSecret: SECRET, user, passwordKey };

const values = (answers: Answers, image: Image): string =>
  yaml({
    image: { ...image },
    nats: {
      url: answers['NATS_URL'],
      auth: auth(answers['NATS_USER'], answers['NATS_PASSWORD'], 'nats-password'),
    },
    redis: {
      url: answers['REDIS_URL'],
      auth: auth(answers['REDIS_USER'], answers['REDIS_PASSWORD'], 'redis-password'),
    },
    endpoints: { signingSecrets: { name: SECRET, key: 'signing-secrets' } },
    agents: {
      nodes: [
        {
          name: answers['NODE_NAME'] ?? '',
          host: answers['FREESWITCH_HOST'] ?? '',
          port: Number(answers['FREESWITCH_PORT']),
          ...(answers['FREESWITCH_USER'] === undefined ? {} : { user: answers['FREESWITCH_USER'] }),
          existingSecret: { name: SECRET, key: 'freeswitch-password' },
        },
      ],
      ...(answers['DEFAULT_ENDPOINT_URL'] === undefined
        ? {}
        : { settings: { DEFAULT_ENDPOINT_URL: answers['DEFAULT_ENDPOINT_URL'] } }),
    },
    console: { enabled: true, tokens: { existingSecret: SECRET } },
  });

const secret = (answers: Answers): string =>
  yaml({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: SECRET },
    stringData: Object.fromEntries(
      Object.entries(KEYS).map(([key, setting]) => [key, answers[setting]] as const),
    ),
  });

/** Values for the chart `dialhook`, and the Secret that they name. */
export const kubernetesFiles = (answers: Answers, image: Image): readonly OutputFile[] => [
  {
    name: 'values.yaml',
    text: `# Values for the chart helm/dialhook, written by "dialhook init". All values: helm/dialhook/README.md\n${values(answers, image)}`,
    secret: false,
  },
  {
    name: 'secret.yaml',
    text: `# The Secret that values.yaml names, written by "dialhook init".\n${secret(answers)}`,
    secret: true,
  },
];
