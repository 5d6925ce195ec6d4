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
import { DEFAULT_FINAL_CAUSES, Decision, FinalCause } from '#libs/contract/decision.ts';
import { problem } from '#libs/contract/problem.ts';
import { variablePolicy } from '#libs/contract/refused-variables.ts';
import { HostPort } from '#libs/contract/text.ts';
import { planOf } from '#libs/dialplan/plan.ts';
import { PRIVATE_NETWORKS } from '#libs/net/networks.ts';

const MEBIBYTE = 1024 * 1024;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** A decision in JSON, resolved into a plan. */
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

const finalCauses = () =>
  list().transform((names, context) =>
    names.map((name) => {
      const cause = FinalCause.safeParse(name);
      if (cause.success) return cause.data;
      context.addIssue({
        code: 'custom',
        message: `must be hangup causes of FreeSWITCH, or SIP statuses such as sip:603 or sip:6xx; ${name} is not one`,
      });
      return z.NEVER;
    }),
  );

/** The agent's settings, by environment variable. */
export const AgentSettings = z
  .object({
    ...commonSettings,
    HEALTH_PORT: port()
      .default(9101)
      .describe('port of the HTTP server for /healthz, /readyz and /metrics; 0 picks a free port'),
    NODE_NAME: z
      .string()
      .optional()
      .describe(
        'name of the FreeSWITCH node in requests, notifications and logs. Default: the switchname of FreeSWITCH',
      ),
    FREESWITCH_HOST: z.string().default('127.0.0.1').describe('host of the FreeSWITCH event socket'),
    FREESWITCH_PORT: port().default(8021).describe('port of the FreeSWITCH event socket'),
    FREESWITCH_USER: z
      .string()
      .regex(/^[^\s:@]+@[^\s:@]+$/, 'must be written user@domain')
      .optional()
      .describe(
        'directory user, written user@domain, to log in to the event socket as (userauth). Unset: the login uses only the event socket password',
      ),
    FREESWITCH_PASSWORD: secret()
      .default('ClueCon')
      .describe('password of FREESWITCH_USER, or the event socket password when FREESWITCH_USER is not set'),
    SOCKET_HOST: z
      .string()
      .default('127.0.0.1')
      .describe('address on which the agent accepts the connections of the socket application'),
    SOCKET_ALLOWED_NETWORKS: networks()
      .default(PRIVATE_NETWORKS)
      .describe(
        'networks from which connections of the socket application are accepted, separated by commas. The default accepts every private network: set it to those of your FreeSWITCH nodes',
      ),
    SOCKET_PORT: port()
      .default(8084)
      .describe(
        'port on which the agent accepts the connections of the socket application; 0 picks a free port',
      ),
    ACCEPT_WITHOUT_NATS: z
      .enum(['on', 'off'], 'must be on or off')
      .optional()
      .describe(
        'off refuses connections of the socket application while NATS is disconnected: FreeSWITCH tries its next host at once, then the dialplan continues, and such calls get no notifications. on accepts them with the result no_router. Default: on with DEFAULT_DECISION, else off',
      ),
    DEFAULT_ENDPOINT_URL: url('http:', 'https:')
      .optional()
      .describe(
        'endpoint of calls whose dialplan does not set cti_bridge. Unset: such calls get the result invalid_arguments',
      ),
    FALLBACK_ENDPOINT_URL: url('http:', 'https:')
      .optional()
      .describe(
        'endpoint that gets the request when the endpoint of a call does not decide, unless its cti_bridge names another fallback',
      ),
    DEFAULT_DECISION: decision()
      .optional()
      .describe(
        'decision in JSON, in the format of an endpoint answer, that the agent carries out when no endpoint decides. Unset: the dialplan continues',
      ),
    FINAL_CAUSES: finalCauses()
      .default([...DEFAULT_FINAL_CAUSES])
      .describe(
        'hangup causes, or SIP statuses such as sip:603 or sip:6xx, separated by commas, after which no further target is tried. A decision can replace them with final_causes',
      ),
    MAX_REQUESTS_PER_CALL: count(1, 100)
      .default(5)
      .describe(
        'maximum number of requests about one call when its decisions say on_fail: request; after the last one the call ends with the cause of the last target',
      ),
    ALLOWED_VARIABLES: allowedVariables(),
    CALL_CONTROL: z
      .enum(['on', 'off'], 'must be on or off')
      .default('off')
      .describe(
        'on allows operators of the console to hang up and transfer live calls of the node. FREESWITCH_USER then needs permission for uuid_getvar, uuid_kill and uuid_transfer',
      ),
    REQUEST_VARIABLES: list()
      .default(['domain_name', 'sip_user_agent', 'sip_from_host', 'sip_to_user', 'sip_h_X-*'])
      .describe(
        'channel variables that a request contains, separated by commas; a * at the end of a name matches any ending',
      ),
    SIP_DOMAIN: HostPort.optional().describe(
      "domain in which targets of type user are looked up. Default: the call's domain_name",
    ),
    MAX_CALLS_DECIDING: count(1, 100_000)
      .default(2_000)
      .describe(
        'maximum number of calls that wait for a decision at once. A further call gets the result overloaded and its dialplan continues',
      ),
    MAX_SOCKET_CONNECTIONS: count(1, 200_000)
      .default(4_000)
      .describe(
        'maximum number of connections of the socket application at once; each may use 32 KiB. A further one replaces a connection that has not identified itself as FreeSWITCH yet or is refused; FreeSWITCH then tries its next host. Refusals are counted and logged',
      ),
    MAX_SOCKET_CONNECTIONS_PER_ADDRESS: count(1, 200_000)
      .default(3_000)
      .describe('maximum number of connections of the socket application from one address at once'),
    MAX_BUFFERED_NOTIFICATIONS: count(1, 10_000_000)
      .default(100_000)
      .describe(
        'maximum number of notifications buffered in memory while NATS does not store them. A further one is dropped, counted and logged; hangups have a reserve of a quarter',
      ),
    EVENT_SOCKET_SILENCE_MS: milliseconds(100, HOUR)
      .default(16_000)
      .describe(
        'time without any data from FreeSWITCH, replies included, after which the agent closes the event socket connection and connects again',
      ),
    RECONCILE_INTERVAL_MS: milliseconds(100, HOUR)
      .default(60_000)
      .describe(
        'interval between two comparisons of the live calls with the channels of FreeSWITCH. Each new event socket connection starts one too',
      ),
    RECONCILE_CONFIRM_MS: milliseconds(0, HOUR)
      .default(5_000)
      .describe(
        'time to wait for the hangup event of a call that FreeSWITCH no longer has, before the agent publishes a synthesized hangup',
      ),
    RECONCILE_RESTART_WAIT_MS: milliseconds(0, HOUR)
      .default(20_000)
      .describe(
        'time after a start of FreeSWITCH during which no call is closed, so that `sofia recover` can bring calls back. Longer: the synthesized hangups of calls that a crash ended come later',
      ),
    LIVE_CALLS_MAX_AGE_MS: milliseconds(60_000, 365 * DAY)
      .default(DAY)
      .describe('time after which a live call is forgotten. A longer call gets no synthesized hangup'),
    LIVE_CALLS_MAX_BYTES: bytes(MEBIBYTE, 1024 * 1024 * MEBIBYTE)
      .default(256 * MEBIBYTE)
      .describe(
        'maximum size of the JetStream stream that holds the live calls of all nodes; a call needs 300 to 500 bytes',
      ),
    LIVE_CALLS_REPLICAS: count(1, 5).default(1).describe('number of NATS servers that store each live call'),
    MAX_BUFFERED_LIVE_CALLS: count(1, 10_000_000)
      .default(100_000)
      .describe(
        'maximum number of live calls buffered in memory while NATS does not store them. A further one is dropped, counted and logged',
      ),
  })
  .superRefine(checkNatsSettings)
  .refine(
    (of) =>
      of.MAX_CALLS_DECIDING < of.MAX_SOCKET_CONNECTIONS_PER_ADDRESS &&
      of.MAX_SOCKET_CONNECTIONS_PER_ADDRESS <= of.MAX_SOCKET_CONNECTIONS,
    'MAX_CALLS_DECIDING must be less than MAX_SOCKET_CONNECTIONS_PER_ADDRESS (an overloaded call still needs a connection), and that at most MAX_SOCKET_CONNECTIONS',
  );
export type AgentConfig = z.output<typeof AgentSettings>;

export const readAgentConfig = (env: NodeJS.ProcessEnv): AgentConfig => readConfig(AgentSettings, env);
