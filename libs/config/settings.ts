import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { z } from 'zod';

const integer = (min: number, max: number, unit?: string) => {
  const message = `must be a whole number${unit ? ` of ${unit}` : ''} from ${min} to ${max}`;
  return z.coerce.number({ error: message }).int(message).min(min, message).max(max, message);
};

export const port = () => integer(0, 65_535);
export const milliseconds = (min: number, max: number) => integer(min, max, 'ms').meta({ unit: 'ms' });
export const count = (min: number, max: number) => integer(min, max);
export const bytes = (min: number, max: number) => integer(min, max, 'bytes').meta({ unit: 'bytes' });
export const secret = () => z.string().meta({ secret: true });
export const list = () =>
  z.string().transform((text) =>
    text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== ''),
  );
export const url = (...schemes: string[]) =>
  z
    .string()
    .refine(
      (text) => text.split(',').every((one) => URL.canParse(one) && schemes.includes(new URL(one).protocol)),
      `must be a URL that starts with ${schemes.map((scheme) => `${scheme}//`).join(' or ')}`,
    );

/** Channel variables that an operator lets endpoints set. */
export const allowedVariables = () =>
  list()
    .default([])
    .describe(
      'channel variables that endpoints may set although they are refused as a rule, separated by commas; a * at the end stands for anything; the same for routers and agents',
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

/** A file, by its path; the setting's value is what it holds. */
export const file = () =>
  z.string().transform((path, context) => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      context.addIssue({ code: 'custom', message: 'names a file that cannot be read' });
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

/** The path of a file that is read again and again, so that what it holds can be renewed. */
const path = () => z.string().refine(isReadable, 'names a file that cannot be read');

/** Where NATS is and how to log in. */
const natsSettings = {
  NATS_URL: url('nats:', 'tls:')
    .default('nats://127.0.0.1:4222')
    .describe('NATS servers, separated by commas; with tls:// nothing is sent before TLS'),
  NATS_USER: z.string().optional().describe('user to log in to NATS as, with NATS_PASSWORD'),
  NATS_PASSWORD: secret().optional().describe('its password'),
  NATS_TOKEN: secret().optional().describe('token to log in to NATS with'),
  NATS_NKEY_SEED: secret().optional().describe('seed of a user NKEY (SU...) to log in to NATS with'),
  NATS_CREDS_FILE: path()
    .optional()
    .describe('credentials file (JWT and NKEY) to log in to NATS with; read again for each connection'),
  NATS_TLS_CA_FILE: path()
    .optional()
    .describe(
      'PEM of the authorities that NATS servers are trusted by, instead of the public ones; with it nothing is sent before TLS',
    ),
  NATS_TLS_CERT_FILE: path()
    .optional()
    .describe('PEM of a certificate to show to NATS; read again for each connection'),
  NATS_TLS_KEY_FILE: path().optional().describe('PEM of its key'),
};

/** How to reach NATS, as the settings say it. */
export type NatsConfig = z.output<z.ZodObject<typeof natsSettings>>;

const hasUserinfo = (urls: string): boolean =>
  urls.split(',').some((one) => new URL(one).username !== '' || new URL(one).password !== '');

/** For a `superRefine`: what contradicts itself in the settings for NATS. */
export function checkNatsSettings(config: NatsConfig, context: z.RefinementCtx): void {
  const wrong = (message: string) => context.addIssue({ code: 'custom', message });
  const { NATS_URL, NATS_USER, NATS_PASSWORD, NATS_TOKEN, NATS_NKEY_SEED, NATS_CREDS_FILE } = config;
  const ways = [hasUserinfo(NATS_URL) || undefined, NATS_USER, NATS_TOKEN, NATS_NKEY_SEED, NATS_CREDS_FILE];
  if (ways.filter((way) => way !== undefined).length > 1)
    wrong(
      'of a user in NATS_URL, NATS_USER, NATS_TOKEN, NATS_NKEY_SEED and NATS_CREDS_FILE only one may be set',
    );
  if ((NATS_USER === undefined) !== (NATS_PASSWORD === undefined))
    wrong('NATS_USER and NATS_PASSWORD must be set together');
  if ((config.NATS_TLS_CERT_FILE === undefined) !== (config.NATS_TLS_KEY_FILE === undefined))
    wrong('NATS_TLS_CERT_FILE and NATS_TLS_KEY_FILE must be set together');
}

/** Settings that every service has. */
export const commonSettings = {
  ...natsSettings,
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal'])
    .default('info')
    .describe('the least severe log lines to write'),
  LOG_NUMBERS: z
    .enum(['full', 'masked'], 'must be full or masked')
    .default('full')
    .describe(
      'whether log lines, traces and the timeline show the numbers of callers and called, or their last two signs',
    ),
  TIMELINE: z
    .enum(['on', 'off'], 'must be on or off')
    .default('on')
    .describe('whether the steps of each call are told on NATS, for the console: dialhook.timeline.UUID'),
  HEALTH_HOST: z
    .string()
    .default('127.0.0.1')
    .describe('address on which /healthz, /readyz and /metrics are served'),
  METRICS_MAX_ENDPOINTS: count(1, 10_000)
    .default(100)
    .describe('endpoints that metrics tell apart; every further one counts as `other`'),
  STOP_DEADLINE_MS: milliseconds(0, 600_000)
    .default(20_000)
    .describe('after SIGTERM: how long to finish what is in hand before the process ends all the same'),
};
