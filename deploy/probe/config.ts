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

/** The probe's settings, by environment variable. NATS_URL and the like go on to its own agent. */
export const ProbeSettings = z.object({
  AGENTS: agents()
    .default([])
    .describe('agents to place a call through, NAME=HOST:PORT, separated by commas'),
  ENDPOINT_HOST: z.string().default('127.0.0.1').describe("where the cluster reaches the probe's endpoint"),
  ENDPOINT_PORT: port().default(8090).describe("port of the probe's endpoint"),
  SOCKET_PORT: port().default(8084).describe("port on which the probe's own agent takes calls"),
  HEALTH_PORT: port().default(9101).describe("port of the own agent's health"),
  PROBE_TIMEOUT_MS: milliseconds(1, 600_000).default(60_000).describe('how long everything may take'),
});
export type ProbeConfig = z.output<typeof ProbeSettings>;

export const readProbeConfig = (env: NodeJS.ProcessEnv): ProbeConfig => readConfig(ProbeSettings, env);
