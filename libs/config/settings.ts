import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { z } from 'zod';
import { type LimitBounds, type LimitKey, MAX_AT_ONCE, MAX_RATE } from '#libs/contract/call-limits.ts';
import { LimitId, SipName, SoundName } from '#libs/contract/text.ts';
import { serverUrls, splitUrls } from './server-urls.ts';

const integer = (min: number, max: number, unit?: string) => {
  const message = `must be a whole number${unit ? ` of ${unit}` : ''} from ${min} to ${max}`;
  return z.coerce.number({ error: message }).int(message).min(min, message).max(max, message);
};

export const port = () => integer(0, 65_535);
export const milliseconds = (min: number, max: number) => integer(min, max, 'ms').meta({ unit: 'ms' });
export const count = (min: number, max: number) => integer(min, max);
export const bytes = (min: number, max: number) => integer(min, max, 'bytes').meta({ unit: 'bytes' });
/** Servers of NATS that store each message of a stream. */
export const replicas = () => count(1, 5).default(1);
export const onOff = () => z.enum(['on', 'off'], 'must be on or off');
export const secret = () => z.string().meta({ secret: true });
export const list = () =>
  z.string().transform((text) =>
    text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== ''),
  );
/** The path of a sound as FreeSWITCH plays it: text that a dial string and `multiset` keep, without blanks. */
const SOUND_PATH = /^[0-9A-Za-z_./:%(),=+*#@-]+$/;

/** Sounds by name: `NAME=PATH` pairs, separated by blanks. */
export const sounds = () =>
  z.string().transform((text, context): ReadonlyMap<string, string> => {
    const found = new Map<string, string>();
    for (const pair of text.split(/\s+/).filter((one) => one !== '')) {
      const [name = '', path = ''] = pair.split(/=(.*)/s);
      if (SoundName.safeParse(name).success && SOUND_PATH.test(path)) found.set(name, path);
      else
        context.addIssue({
          code: 'custom',
          message:
            'must be NAME=PATH pairs separated by blanks; a name has letters, digits, _ and -, a path no blank and none of ; \' " \\ $ [ ] { } < > | ^',
        });
    }
    return found;
  });

const LIMIT = /^(gw|id):([^=]+)=(\d*)(?:\/(\d+))?$/;

/** Limits by key: `gw:GATEWAY=MAX`, `gw:GATEWAY=MAX/RATE` or `gw:GATEWAY=/RATE`, and the same with `id:NAME`. */
export const limits = () =>
  list().transform((entries, context): ReadonlyMap<LimitKey, LimitBounds> => {
    const found = new Map<LimitKey, LimitBounds>();
    const refuse = (message: string) => context.addIssue({ code: 'custom', message });
    for (const entry of entries) {
      const [, kind = '', name = '', max = '', rate] = LIMIT.exec(entry) ?? [];
      const key = `${kind}:${name}` as LimitKey;
      const isName =
        kind === 'id' ? LimitId.safeParse(name).success : name === '*' || SipName.safeParse(name).success;
      if (!isName || (max === '' && rate === undefined))
        refuse(
          `must be gw:GATEWAY=MAX, gw:GATEWAY=MAX/RATE, gw:GATEWAY=/RATE, or the same with id:NAME, separated by commas; ${entry} is not one`,
        );
      else if (
        Number(max) > MAX_AT_ONCE ||
        (rate !== undefined && (Number(rate) < 1 || Number(rate) > MAX_RATE))
      )
        refuse(`must have a MAX from 0 to ${MAX_AT_ONCE} and a RATE from 1 to ${MAX_RATE}; ${entry} has not`);
      else if (found.has(key)) refuse(`must name each limit once; ${key} is there twice`);
      else
        found.set(key, {
          ...(max === '' ? {} : { max: Number(max) }),
          ...(rate === undefined ? {} : { rate: Number(rate) }),
        });
    }
    return found;
  });

export const url = (...schemes: string[]) =>
  z
    .string()
    .refine(
      (text) => text.split(',').every((one) => URL.canParse(one) && schemes.includes(new URL(one).protocol)),
      `must be a URL that starts with ${schemes.map((scheme) => `${scheme}//`).join(' or ')}`,
    );

/** Exceptions from the channel variables that endpoints must not set. */
export const allowedVariables = () =>
  list()
    .default([])
    .describe(
      'channel variables that endpoints may set although Dialhook refuses them by default, separated by commas; a trailing * matches any rest; use the same value for routers and agents',
    );

function isNetwork(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 6 ? 128 : 32));
}

/** IP networks in CIDR notation, separated by commas. */
export const networks = () =>
  list().refine((all) => all.every(isNetwork), 'must be networks such as 10.0.0.0/8 or fe80::/10');

/** The path of a file, read at startup. The value is its content. */
export const file = () =>
  z.string().transform((path, context) => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      context.addIssue({ code: 'custom', message: 'must name a readable file' });
      return z.NEVER;
    }
  });

const isReadable = (path: string): boolean => {
  try {
    readFileSync(path);
    return true;
  } catch {
    return false;
  }
};

/** The path of a file that is read again for each connection, so that its content can be renewed. */
const path = () => z.string().refine(isReadable, 'must name a readable file');

const natsSettings = {
  NATS_URL: serverUrls({ schemes: ['nats:', 'tls:'], path: '/?', instead: 'NATS_USER and NATS_PASSWORD' })
    .default('nats://127.0.0.1:4222')
    .describe(
      'URLs of the NATS servers, separated by commas; tls:// requires TLS. Percent-encode user and password in them, or set NATS_USER and NATS_PASSWORD',
    ),
  NATS_USER: z.string().optional().describe('user name for NATS; needs NATS_PASSWORD'),
  NATS_PASSWORD: secret().optional().describe('password of NATS_USER'),
  NATS_TOKEN: secret().optional().describe('token for NATS, instead of a user name'),
  NATS_NKEY_SEED: secret().optional().describe('NKEY seed of the NATS user (SU...), instead of a user name'),
  NATS_CREDS_FILE: path()
    .optional()
    .describe(
      'path of a NATS credentials file (JWT and NKEY), instead of a user name; read again for each connection',
    ),
  NATS_TLS_CA_FILE: path()
    .optional()
    .describe(
      'path of a PEM file with the certificate authorities trusted for NATS servers, instead of the public ones; requires TLS; read again for each connection',
    ),
  NATS_TLS_CERT_FILE: path()
    .optional()
    .describe(
      'path of a PEM file with the client certificate for NATS; requires TLS; read again for each connection',
    ),
  NATS_TLS_KEY_FILE: path()
    .optional()
    .describe(
      'path of a PEM file with the private key of NATS_TLS_CERT_FILE; read again for each connection',
    ),
  NATS_TLS_HANDSHAKE_FIRST: onOff()
    .default('off')
    .describe('on for NATS servers with handshake_first, which send nothing before the TLS handshake'),
  NATS_JETSTREAM_DOMAIN: z
    .string()
    .regex(/^[^\s.*>$]+$/, 'must not contain spaces or . * > $')
    .optional()
    .describe(
      'JetStream domain of the servers that store the streams, for a service on a leaf node without JetStream of its own',
    ),
};

export type NatsConfig = z.output<z.ZodObject<typeof natsSettings>>;

const hasUserinfo = (urls: string): boolean =>
  splitUrls(urls).some(({ username, password }) => username !== '' || password !== '');

/** For `superRefine`: reports NATS settings that contradict each other. */
export function checkNatsSettings(config: NatsConfig, context: z.RefinementCtx): void {
  const wrong = (message: string) => context.addIssue({ code: 'custom', message });
  const { NATS_URL, NATS_USER, NATS_PASSWORD, NATS_TOKEN, NATS_NKEY_SEED, NATS_CREDS_FILE } = config;
  const credentials = [
    hasUserinfo(NATS_URL) || undefined,
    NATS_USER,
    NATS_TOKEN,
    NATS_NKEY_SEED,
    NATS_CREDS_FILE,
  ];
  if (credentials.filter((one) => one !== undefined).length > 1)
    wrong(
      'only one may be set of a user in NATS_URL, NATS_USER, NATS_TOKEN, NATS_NKEY_SEED and NATS_CREDS_FILE',
    );
  if ((NATS_USER === undefined) !== (NATS_PASSWORD === undefined))
    wrong('NATS_USER and NATS_PASSWORD must be set together');
  if ((config.NATS_TLS_CERT_FILE === undefined) !== (config.NATS_TLS_KEY_FILE === undefined))
    wrong('NATS_TLS_CERT_FILE and NATS_TLS_KEY_FILE must be set together');
}

/** Settings of every service. */
export const commonSettings = {
  ...natsSettings,
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal'])
    .default('info')
    .describe('least severe level of log lines that are written'),
  LOG_NUMBERS: z
    .enum(['full', 'masked'], 'must be full or masked')
    .default('full')
    .describe(
      'masked shows only the last two digits of telephone numbers in log lines, traces and the timeline, and no names',
    ),
  TIMELINE: onOff()
    .default('on')
    .describe(
      'whether to publish the steps of each call on the NATS subject dialhook.timeline.UUID, for the console and the CLI',
    ),
  HEALTH_HOST: z
    .string()
    .default('127.0.0.1')
    .describe('address of the HTTP server for /healthz, /readyz and /metrics'),
  METRICS_MAX_ENDPOINTS: count(1, 10_000)
    .default(100)
    .describe('endpoints with metrics of their own; all others are counted together as `other`'),
  STOP_DEADLINE_MS: milliseconds(0, 600_000)
    .default(20_000)
    .describe('grace period after SIGTERM; work still running when it ends is abandoned'),
};
