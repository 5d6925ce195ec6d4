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

function isNetwork(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 6 ? 128 : 32));
}

/** IP networks in CIDR notation, separated by commas. */
export const networks = () =>
  list().refine((all) => all.every(isNetwork), 'must be networks such as 10.0.0.0/8 or fe80::/10');

/** Settings that every service has. */
export const commonSettings = {
  NATS_URL: url('nats:', 'tls:')
    .default('nats://127.0.0.1:4222')
    .describe('NATS servers, separated by commas'),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal'])
    .default('info')
    .describe('the least severe log lines to write'),
  HEALTH_HOST: z.string().default('127.0.0.1').describe('address on which /healthz and /readyz are served'),
  STOP_DEADLINE_MS: milliseconds(0, 600_000)
    .default(20_000)
    .describe('after SIGTERM: how long to finish what is in hand before the process ends all the same'),
};
