import { z } from 'zod';
import { readConfig } from '#libs/config/config.ts';
import { commonSettings, count, list, port, secret, url } from '#libs/config/settings.ts';
import { hangupCause } from '#libs/contract/causes.ts';
import { Decision } from '#libs/contract/decision.ts';
import { problem } from '#libs/contract/problem.ts';
import { HostPort } from '#libs/contract/text.ts';
import { planOf } from '#libs/dialplan/plan.ts';

/** A decision in JSON, as a plan. */
const decision = () =>
  z.string().transform((text, context) => {
    try {
      const parsed = Decision.safeParse(JSON.parse(text));
      if (parsed.success) return planOf(parsed.data);
      context.addIssue({ code: 'custom', message: `is not a decision: ${problem(parsed.error)}` });
    } catch (error) {
      context.addIssue({ code: 'custom', message: `is not a decision: ${(error as Error).message}` });
    }
    return z.NEVER;
  });

const causes = () =>
  list().transform((names, context) =>
    names.map((name) => {
      const cause = hangupCause(name);
      if (cause !== undefined) return cause;
      context.addIssue({ code: 'custom', message: `must be hangup causes of FreeSWITCH: ${name} is none` });
      return z.NEVER;
    }),
  );

/** The agent's settings, by environment variable. */
export const AgentSettings = z.object({
  ...commonSettings,
  HEALTH_PORT: port()
    .default(9101)
    .describe('port on which /healthz and /readyz are served; 0 picks a free one'),
  NODE_NAME: z
    .string()
    .optional()
    .describe(
      "the FreeSWITCH node's name in requests, notifications and logs; FreeSWITCH's own switchname without it",
    ),
  FREESWITCH_HOST: z.string().default('127.0.0.1').describe("host of FreeSWITCH's event socket"),
  FREESWITCH_PORT: port().default(8021).describe("port of FreeSWITCH's event socket"),
  FREESWITCH_USER: z
    .string()
    .regex(/^[^\s:@]+@[^\s:@]+$/, 'must be written user@domain')
    .optional()
    .describe(
      'a directory user to log in as (userauth), user@domain; the event socket password is used without it',
    ),
  FREESWITCH_PASSWORD: secret()
    .default('ClueCon')
    .describe('password of the event socket or of FREESWITCH_USER'),
  SOCKET_HOST: z
    .string()
    .default('127.0.0.1')
    .describe("address on which connections of FreeSWITCH's socket application are taken"),
  SOCKET_PORT: port().default(8084).describe('port for the same; 0 picks a free one'),
  DEFAULT_ENDPOINT_URL: url('http:', 'https:')
    .optional()
    .describe('endpoint for calls whose dialplan sets no cti_bridge'),
  FALLBACK_ENDPOINT_URL: url('http:', 'https:')
    .optional()
    .describe("asked when a call's endpoint does not decide and its cti_bridge names no fallback of its own"),
  DEFAULT_DECISION: decision()
    .optional()
    .describe('a decision in JSON, as an endpoint writes it, that is carried out when nobody decides'),
  FINAL_CAUSES: causes()
    .default(['BUSY_EVERYWHERE', 'DECLINE', 'DOES_NOT_EXIST_ANYWHERE', 'NOT_ACCEPTABLE', 'UNWANTED'])
    .describe('hangup causes of a target after which no further one is tried; a decision can name its own'),
  MAX_REQUESTS_PER_CALL: count(1, 100)
    .default(5)
    .describe('how often one call is asked about when its decisions say on_fail: request'),
  REQUEST_VARIABLES: list()
    .default(['domain_name', 'sip_user_agent', 'sip_from_host', 'sip_to_user', 'sip_h_X-*'])
    .describe(
      'channel variables sent with a request, separated by commas; a * at the end stands for anything',
    ),
  SIP_DOMAIN: HostPort.optional().describe(
    "domain in which the users of dial type user are registered; the call's domain_name without it",
  ),
  MAX_CALLS_DECIDING: count(1, 100_000)
    .default(2_000)
    .describe('calls waiting for a decision at once; one more falls through as overloaded'),
  MAX_NOTIFICATIONS_HELD: count(1, 10_000_000)
    .default(100_000)
    .describe('notifications held while NATS is away; one more is dropped, counted and logged'),
});
export type AgentConfig = z.output<typeof AgentSettings>;

export const readAgentConfig = (env: NodeJS.ProcessEnv): AgentConfig => readConfig(AgentSettings, env);
