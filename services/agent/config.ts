import { z } from 'zod';
import { readConfig } from '#libs/config/config.ts';
import {
  allowedVariables,
  bytes,
  checkNatsSettings,
  commonSettings,
  count,
  list,
  milliseconds,
  networks,
  port,
  secret,
  url,
} from '#libs/config/settings.ts';
import { GLOBAL_FAILURE_CAUSES, hangupCause } from '#libs/contract/causes.ts';
import { Decision } from '#libs/contract/decision.ts';
import { problem } from '#libs/contract/problem.ts';
import { variablePolicy } from '#libs/contract/refused-variables.ts';
import { HostPort } from '#libs/contract/text.ts';
import { planOf } from '#libs/dialplan/plan.ts';
import { PRIVATE_NETWORKS } from '#libs/net/networks.ts';

const MEBIBYTE = 1024 * 1024;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** A decision in JSON, as a plan. */
const decision = () =>
  z.string().transform((text, context) => {
    try {
      const parsed = Decision.safeParse(JSON.parse(text));
      if (parsed.success) return planOf(parsed.data, variablePolicy(['*']));
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
export const AgentSettings = z
  .object({
    ...commonSettings,
    HEALTH_PORT: port()
      .default(9101)
      .describe('port on which /healthz, /readyz and /metrics are served; 0 picks a free one'),
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
    SOCKET_ALLOWED_NETWORKS: networks()
      .default(PRIVATE_NETWORKS)
      .describe(
        'networks from which these connections are taken, separated by commas; at first all that are private: name those of your FreeSWITCH nodes',
      ),
    SOCKET_PORT: port().default(8084).describe('port for the same; 0 picks a free one'),
    DEFAULT_ENDPOINT_URL: url('http:', 'https:')
      .optional()
      .describe('endpoint for calls whose dialplan sets no cti_bridge'),
    FALLBACK_ENDPOINT_URL: url('http:', 'https:')
      .optional()
      .describe(
        "asked when a call's endpoint does not decide and its cti_bridge names no fallback of its own",
      ),
    DEFAULT_DECISION: decision()
      .optional()
      .describe('a decision in JSON, as an endpoint writes it, that is carried out when nobody decides'),
    FINAL_CAUSES: causes()
      .default([...GLOBAL_FAILURE_CAUSES])
      .describe('hangup causes of a target after which no further one is tried; a decision can name its own'),
    MAX_REQUESTS_PER_CALL: count(1, 100)
      .default(5)
      .describe('how often one call is asked about when its decisions say on_fail: request'),
    ALLOWED_VARIABLES: allowedVariables(),
    CALL_CONTROL: z
      .enum(['on', 'off'], 'must be on or off')
      .default('off')
      .describe(
        "whether operators of the console may hang up and transfer the node's live calls; FREESWITCH_USER must then be allowed uuid_getvar, uuid_kill and uuid_transfer",
      ),
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
    MAX_SOCKET_CONNECTIONS: count(1, 200_000)
      .default(4_000)
      .describe(
        'connections of the socket application at once, 32 KiB for each; one more takes the place of one that has not answered yet, or is refused, and FreeSWITCH tries its next host; refusals are counted and logged',
      ),
    MAX_SOCKET_CONNECTIONS_PER_ADDRESS: count(1, 200_000).default(3_000).describe('of them from one address'),
    MAX_BUFFERED_NOTIFICATIONS: count(1, 10_000_000)
      .default(100_000)
      .describe('notifications held while NATS is away; one more is dropped, counted and logged'),
    EVENT_SOCKET_SILENCE_MS: milliseconds(100, HOUR)
      .default(16_000)
      .describe('an event socket on which FreeSWITCH answers nothing for so long is connected anew'),
    RECONCILE_INTERVAL_MS: milliseconds(100, HOUR)
      .default(60_000)
      .describe(
        'how often the live calls are compared with those that FreeSWITCH has, besides each reconnect',
      ),
    RECONCILE_CONFIRM_MS: milliseconds(0, HOUR)
      .default(5_000)
      .describe(
        'how long the hangup of a call that FreeSWITCH no longer has may be on its way, before it is made up',
      ),
    LIVE_CALLS_MAX_AGE_MS: milliseconds(60_000, 365 * DAY)
      .default(DAY)
      .describe('how long a live call is remembered; the unseen end of a longer one is lost'),
    LIVE_CALLS_MAX_BYTES: bytes(MEBIBYTE, 1024 * 1024 * MEBIBYTE)
      .default(256 * MEBIBYTE)
      .describe('largest size of the live calls of all nodes in JetStream, 300 to 500 bytes each'),
    LIVE_CALLS_REPLICAS: count(1, 5).default(1).describe('NATS servers that keep each live call'),
    MAX_BUFFERED_LIVE_CALLS: count(1, 10_000_000)
      .default(100_000)
      .describe('live calls held while NATS does not take them; one more is dropped, counted and logged'),
  })
  .superRefine(checkNatsSettings)
  .refine(
    (of) =>
      of.MAX_CALLS_DECIDING < of.MAX_SOCKET_CONNECTIONS_PER_ADDRESS &&
      of.MAX_SOCKET_CONNECTIONS_PER_ADDRESS <= of.MAX_SOCKET_CONNECTIONS,
    'MAX_CALLS_DECIDING must be less than MAX_SOCKET_CONNECTIONS_PER_ADDRESS, since a call too many is told so over its connection, and that not more than MAX_SOCKET_CONNECTIONS',
  );
export type AgentConfig = z.output<typeof AgentSettings>;

export const readAgentConfig = (env: NodeJS.ProcessEnv): AgentConfig => readConfig(AgentSettings, env);
