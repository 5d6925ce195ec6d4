import { UsageError } from '../command.ts';
import type { OutputFile } from './output.ts';
import type { Answers } from './questions.ts';

/** By file: the settings in it. Each service gets only the secrets that it needs. */
const FILES = {
  common: ['NATS_URL', 'NATS_USER', 'NATS_PASSWORD'],
  agent: [
    ...['FREESWITCH_HOST', 'FREESWITCH_PORT', 'FREESWITCH_USER', 'FREESWITCH_PASSWORD'],
    ...['NODE_NAME', 'SOCKET_HOST', 'SOCKET_ALLOWED_NETWORKS', 'DEFAULT_ENDPOINT_URL'],
  ],
  router: ['ENDPOINT_SIGNING_SECRETS'],
  notifier: ['REDIS_URL', 'REDIS_USER', 'REDIS_PASSWORD', 'ENDPOINT_SIGNING_SECRETS'],
  console: [
    ...['REDIS_URL', 'REDIS_USER', 'REDIS_PASSWORD'],
    ...['CONSOLE_VIEWER_TOKENS', 'CONSOLE_OPERATOR_TOKENS'],
  ],
} as const;

/**
 * A line that systemd, `docker compose` and Node read alike. Between single quotes no character is special to them.
 * @throws {UsageError} when no quotes fit
 */
export function envLine(name: string, value: string): string {
  if (/^[\w:/.,@%+=~-]*$/.test(value)) return `${name}=${value}`;
  if (!value.includes("'")) return `${name}='${value}'`;
  if (!/["\\$`]/.test(value)) return `${name}="${value}"`;
  throw new UsageError(`${name} must not contain ' together with one of " \\ $ \``);
}

export const envFiles = (answers: Answers): readonly OutputFile[] =>
  Object.entries(FILES).map(([service, settings]) => ({
    name: `${service}.env`,
    text: [
      `# Settings of ${service === 'common' ? 'all Dialhook services' : `dialhook-${service}`}, written by "dialhook init".`,
      ...settings.flatMap((name) => {
        const value = answers[name];
        return value === undefined ? [] : [envLine(name, value)];
      }),
      '',
    ].join('\n'),
    secret: true,
  }));

/** Whether an environment file gives no setting a value, as those that the Debian packages install. */
export const setsNothing = (text: string): boolean =>
  text.split('\n').every((line) => /^\s*(?:[#;].*|\w+=\s*)?$/.test(line));
