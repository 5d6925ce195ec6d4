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

/** Tokens with the names under which what is done with them is written down. */
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
              'must be NAME:TOKEN, separated by commas, each token of at least 16 signs and without spaces',
          });
          return z.NEVER;
        }),
    )
    .meta({ secret: true })
    .default([]);

const isTemplate = (text: string): boolean =>
  text.includes('{trace_id}') && /^https?:$/.test(URL.parse(text)?.protocol ?? '');

/** The console's settings, by environment variable. */
export const ConsoleSettings = z
  .object({
    ...commonSettings,
    HEALTH_PORT: port()
      .default(9104)
      .describe('port on which /healthz and /readyz are served; 0 picks a free one'),
    ...queueSettings,
    CONSOLE_HOST: z
      .string()
      .default('127.0.0.1')
      .describe('address on which the page and the API are served'),
    CONSOLE_PORT: port().default(8088).describe('port for the same; 0 picks a free one'),
    CONSOLE_VIEWER_TOKENS: tokens().describe(
      'tokens of those who may look, NAME:TOKEN separated by commas; several while one is being changed',
    ),
    CONSOLE_OPERATOR_TOKENS: tokens().describe(
      'tokens of those who may also hang up, transfer, replay and switch endpoints, written likewise',
    ),
    CONSOLE_SESSION_MS: milliseconds(MINUTE, 30 * 24 * HOUR)
      .default(12 * HOUR)
      .describe('how long a login on the page holds'),
    CONSOLE_MAX_CALLS: count(100, 1_000_000)
      .default(20_000)
      .describe('calls that can be searched, about 2 kB of memory each; the oldest are dropped'),
    CONSOLE_TRUSTED_PROXIES: networks()
      .default([])
      .describe('proxies whose X-Forwarded-For and X-Forwarded-Proto are believed'),
    TRACE_URL_TEMPLATE: z
      .string()
      .refine(isTemplate, 'must be a URL of http(s) that holds {trace_id}')
      .optional()
      .describe("link to a call's trace: {trace_id} stands for its id, {uuid} for the call's uuid"),
  })
  .superRefine(checkNatsSettings)
  .superRefine(checkRedisSettings)
  .superRefine(({ CONSOLE_VIEWER_TOKENS, CONSOLE_OPERATOR_TOKENS }, context) => {
    const all = [...CONSOLE_VIEWER_TOKENS, ...CONSOLE_OPERATOR_TOKENS];
    const wrong = (message: string) => context.addIssue({ code: 'custom', message });
    if (all.length === 0)
      wrong('CONSOLE_VIEWER_TOKENS or CONSOLE_OPERATOR_TOKENS must be set: nobody could log in');
    if (new Set(all.map(({ token }) => token)).size < all.length)
      wrong('CONSOLE_VIEWER_TOKENS and CONSOLE_OPERATOR_TOKENS hold the same token twice');
  });
export type ConsoleConfig = z.output<typeof ConsoleSettings>;

/** @throws {ConfigError} */
export const readConsoleConfig = (env: NodeJS.ProcessEnv): ConsoleConfig => readConfig(ConsoleSettings, env);
