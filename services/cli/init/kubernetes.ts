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

/** A server outside the chart; without a URL there is none. */
const server = (url: string | undefined, authentication: ReturnType<typeof auth>) =>
  url === undefined ? undefined : { url, auth: authentication };

/** Whether the chart `dialhook-stack` installs NATS, Redis or both. */
export const usesStack = ({ NATS_URL, REDIS_URL }: Answers): boolean =>
  NATS_URL === undefined || REDIS_URL === undefined;

/** Values of the chart `dialhook`. */
function valuesOf(answers: Answers, image: Image) {
  const nats = auth(answers['NATS_USER'], answers['NATS_PASSWORD'], 'nats-password');
  const redis = auth(answers['REDIS_USER'], answers['REDIS_PASSWORD'], 'redis-password');
  return {
    image: { ...image },
    nats: server(answers['NATS_URL'], nats),
    redis: server(answers['REDIS_URL'], redis),
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
  };
}

function values(answers: Answers, image: Image): string {
  const own = valuesOf(answers, image);
  if (!usesStack(answers)) return yaml(own);
  const install = { nats: answers['NATS_URL'] === undefined, valkey: answers['REDIS_URL'] === undefined };
  return yaml({ install, dialhook: own });
}

const secret = (answers: Answers): string =>
  yaml({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: SECRET },
    stringData: Object.fromEntries(
      Object.entries(KEYS).map(([key, setting]) => [key, answers[setting]] as const),
    ),
  });

/** Values for the chart `dialhook` or `dialhook-stack`, and the Secret that they name. */
export const kubernetesFiles = (answers: Answers, image: Image): readonly OutputFile[] => [
  {
    name: 'values.yaml',
    text: `# Values for the chart helm/${usesStack(answers) ? 'dialhook-stack' : 'dialhook'}, written by "dialhook init".\n# All values: helm/dialhook/README.md\n${values(answers, image)}`,
    secret: false,
  },
  {
    name: 'secret.yaml',
    text: `# The Secret that values.yaml names, written by "dialhook init".\n${secret(answers)}`,
    secret: true,
  },
];
