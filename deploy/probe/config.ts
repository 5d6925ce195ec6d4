import { z } from 'zod';
import { readConfig } from '#libs/config/config.ts';
import { milliseconds, port } from '#libs/config/settings.ts';

const agents = () =>
  z.string().transform((text, context) => {
    const all = text
      .split(',')
      .filter((one) => one !== '')
      .map((one) => /^([^=]+)=(.+:\d+)$/.exec(one));
    if (all.every((match) => match !== null))
      return all.map(([, name = '', socket = '']) => ({ name, socket }));
    context.addIssue({ code: 'custom', message: 'must be NAME=HOST:PORT, separated by commas' });
    return z.NEVER;
  });

/** Settings of the probe, by environment variable. NATS_* settings are passed to the probe's own agent. */
export const ProbeSettings = z.object({
  AGENTS: agents()
    .default([])
    .describe('agents to test with one call each, as NAME=HOST:PORT separated by commas'),
  ENDPOINT_HOST: z
    .string()
    .default('127.0.0.1')
    .describe('host under which the cluster reaches the endpoint of the probe'),
  ENDPOINT_PORT: port().default(8090).describe('port of the endpoint of the probe'),
  SOCKET_PORT: port()
    .default(8084)
    .describe("port where the probe's own agent accepts the socket application"),
  HEALTH_PORT: port().default(9101).describe("health port of the probe's own agent"),
  PROBE_TIMEOUT_MS: milliseconds(1, 600_000).default(60_000).describe('time limit of the whole probe, ms'),
});
export type ProbeConfig = z.output<typeof ProbeSettings>;

export const readProbeConfig = (env: NodeJS.ProcessEnv): ProbeConfig => readConfig(ProbeSettings, env);
