import { z } from 'zod';
import { readConfig } from '#libs/config/config.ts';
import { checkNatsSettings, commonSettings, port } from '#libs/config/settings.ts';
import { checkDecisionSettings, decisionSettings } from '#libs/decision/settings.ts';

/** The settings of the router. */
export const RouterSettings = z
  .object({
    ...commonSettings,
    HEALTH_PORT: port()
      .default(9102)
      .describe('port of the HTTP server for /healthz, /readyz and /metrics; 0 picks a free port'),
    ...decisionSettings,
  })
  .superRefine(checkNatsSettings)
  .superRefine(checkDecisionSettings);
export type RouterConfig = z.output<typeof RouterSettings>;

/** @throws {ConfigError} */
export const readRouterConfig = (env: NodeJS.ProcessEnv): RouterConfig => readConfig(RouterSettings, env);
