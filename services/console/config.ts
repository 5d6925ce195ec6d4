import { z } from 'zod';
import { readConfig } from '#libs/config/config.ts';
import {
  checkNatsSettings,
  commonSettings,
  count,
  milliseconds,
  networks,
  port,
  secret,
} from '#libs/config/settings.ts';
import { checkRedisSettings, queueSettings } from '#libs/queue/settings.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

export interface NamedToken {
  readonly name: string;
  readonly token: string;
}

/** NAME:TOKEN, separated by commas. The name appears in the audit log. */
const tokens = () =>
  secret()
    .transform((text, context) =>
      text
        .split(',')
        .map((one) => one.trim())
        .filter((one) => one !== '')
        .map((one): NamedToken => {
          const [, name, token] = /^([\w.@-]{1,64}):([\x21-\x7e]{16,512})$/.exec(one) ?? [];
          if (name !== undefined && token !== undefined) return { name, token };
          context.addIssue({
            code: 'custom',
            message:
              'must be NAME:TOKEN, separated by commas; a token has at least 16 characters and no spaces',
          });
          return z.NEVER;
        }),
    )
    .meta({ secret: true })
    .default([]);

const isTemplate = (text: string): boolean =>
  text.includes('{trace_id}') && /^https?:$/.test(URL.parse(text)?.protocol ?? '');

/** Settings of the console, by environment variable. */
export const ConsoleSettings = z
  .object({
    ...commonSettings,
    HEALTH_PORT: port().default(9104).describe('port that serves /healthz and /readyz; 0 picks a free port'),
    ...queueSettings,
    CONSOLE_HOST: z.string().default('127.0.0.1').describe('address that the page and the API listen on'),
    CONSOLE_PORT: port().default(8088).describe('port of the page and the API; 0 picks a free port'),
    CONSOLE_VIEWER_TOKENS: tokens().describe(
      'tokens with read-only access, as NAME:TOKEN separated by commas; a name may have two tokens during a rotation',
    ),
    CONSOLE_OPERATOR_TOKENS: tokens().describe(
      'tokens that may also hang up and transfer calls, replay dead letters and enable or disable endpoints, as NAME:TOKEN separated by commas',
    ),
    CONSOLE_SESSION_MS: milliseconds(MINUTE, 30 * 24 * HOUR)
      .default(12 * HOUR)
      .describe('lifetime of a login on the page, ms'),
    CONSOLE_MAX_CALLS: count(100, 1_000_000)
      .default(20_000)
      .describe(
        'maximum number of calls kept in memory for search, about 6 kB each; the oldest ended call is dropped first',
      ),
    CONSOLE_TRUSTED_PROXIES: networks()
      .default([])
      .describe(
        'addresses or networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are trusted, separated by commas',
      ),
    TRACE_URL_TEMPLATE: z
      .string()
      .refine(isTemplate, 'must be an http(s) URL with {trace_id}')
      .optional()
      .describe('URL of the trace of a call in your tracing system; {trace_id} and {uuid} are replaced'),
  })
  .superRefine(checkNatsSettings)
  .superRefine(checkRedisSettings)
  .superRefine(({ CONSOLE_VIEWER_TOKENS, CONSOLE_OPERATOR_TOKENS }, context) => {
    const all = [...CONSOLE_VIEWER_TOKENS, ...CONSOLE_OPERATOR_TOKENS];
    const wrong = (message: string) => context.addIssue({ code: 'custom', message });
    if (all.length === 0)
      wrong('CONSOLE_VIEWER_TOKENS or CONSOLE_OPERATOR_TOKENS must be set, otherwise no login is possible');
    if (new Set(all.map(({ token }) => token)).size < all.length)
      wrong('CONSOLE_VIEWER_TOKENS and CONSOLE_OPERATOR_TOKENS have a token in common or a duplicate');
  });
export type ConsoleConfig = z.output<typeof ConsoleSettings>;

/** @throws {ConfigError} */
export const readConsoleConfig = (env: NodeJS.ProcessEnv): ConsoleConfig => readConfig(ConsoleSettings, env);
