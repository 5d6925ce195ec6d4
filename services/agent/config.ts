import { z } from 'zod';
import { readConfig, readConfigs } from '#libs/config/config.ts';
import { freeswitchSettings, socketSettings } from '#libs/config/freeswitch-settings.ts';
import {
  allowedVariables,
  bytes,
  checkNatsSettings,
  commonSettings,
  count,
  limits,
  list,
  milliseconds,
  networks,
  onOff,
  port,
  replicas,
  sounds,
  url,
} from '#libs/config/settings.ts';
import { DEFAULT_FINAL_CAUSES, FinalCause } from '#libs/contract/decision.ts';
import type { Plan } from '#libs/contract/plan.ts';
import { variablePolicy } from '#libs/contract/refused-variables.ts';
import { HostPort } from '#libs/contract/text.ts';
import { type DecisionConfig, DecisionSettings } from '#libs/decision/settings.ts';
import { replyOfText } from '#libs/dialplan/answer.ts';
import { PRIVATE_NETWORKS } from '#libs/net/networks.ts';
import { GATEWAY_FAILURES } from './gateways/causes.ts';
import { limitProblem } from './limits/wanted-places.ts';
import { recordings } from './recordings.ts';
import { redirectHosts } from './redirects.ts';

const MEBIBYTE = 1024 * 1024;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** A decision in JSON, read like the answer of an endpoint and resolved into a plan. */
const decision = () =>
  z.string().transform((text, context): Plan => {
    const reply = replyOfText(text, variablePolicy(['*']));
    if (reply.result === 'decided') return reply.plan;
    const error = reply.error.replace(/^the answer\b/, 'it');
    context.addIssue({ code: 'custom', message: `is not a decision: ${error}` });
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
      .max(255)
      .optional()
      .describe(
        'name of the FreeSWITCH node in requests, notifications and logs. Default: the switchname of FreeSWITCH',
      ),
    ...freeswitchSettings,
    ...socketSettings,
    SOCKET_ALLOWED_NETWORKS: networks()
      .default(PRIVATE_NETWORKS)
      .describe(
        'networks from which connections of the socket application are accepted, separated by commas. The default accepts every private network: set it to those of your FreeSWITCH nodes',
      ),
    ACCEPT_WITHOUT_NATS: onOff()
      .optional()
      .describe(
        'off refuses connections of the socket application while NATS is disconnected: FreeSWITCH tries its next host at once, then the dialplan continues, and such calls get no notifications. on accepts them with the result no_router. Default: on with DEFAULT_DECISION or EMBEDDED_ROUTER, else off',
      ),
    EMBEDDED_ROUTER: onOff()
      .default('off')
      .describe(
        'on requests decisions from endpoints in this process instead of through NATS and a router: a decision takes less time and CPU, and needs no NATS. The agent then also reads the settings of the router, from ENDPOINT_METHOD on, and needs a way to the endpoints and their secrets',
      ),
    HEDGE_AFTER_MS: milliseconds(0, HOUR)
      .default(100)
      .describe(
        'time after which a request that no router has accepted is sent again, to any router; three times the usual time to an acceptance if that is longer, up to 500 ms. The endpoint gets one request. Lower: a call waits less for a router or NATS server that hangs. 0 sends each request once',
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
        'maximum number of requests about one call, whatever their reasons: new, failed, redirect, transfer and digits. After the last one a failed target ends the call with its cause, and the dialplan continues after a transfer',
      ),
    REDIRECT_ALLOWED_HOSTS: redirectHosts()
      .default([])
      .describe(
        'hosts that a decision with on_redirect: follow may dial when a target redirects there, separated by commas: HOST for any port, or HOST:PORT, each optionally as PROFILE/HOST with the sofia profile that dials it (external). Empty: such decisions are refused',
      ),
    SOUNDS: sounds()
      .optional()
      .describe(
        'sounds that decisions may name, as NAME=PATH pairs separated by blanks. A path is what the application playback takes: a file relative to sound_prefix of FreeSWITCH, an absolute path, or a URI such as tone_stream://%(500,0,800). A sound that is not listed is left out of the call, counted and logged',
      ),
    RINGBACKS: sounds()
      .optional()
      .describe(
        'ringbacks that decisions may name, as NAME=RINGBACK pairs separated by blanks. A ringback is what the variable ringback of FreeSWITCH takes: an absolute path, a URI such as local_stream://moh, or a tone such as %(2000,4000,440,480)',
      ),
    RECORDINGS: recordings()
      .optional()
      .describe(
        'absolute path of recordings on the FreeSWITCH host, such as /var/recordings/{date}/{id}.wav. {id} is different for each recording and must be part of the file name; {call}, {node}, {date} and {hour} (UTC), {caller} and {destination} are optional. Endpoints get the path from the first part with a placeholder on. Unset: decisions with record are refused',
      ),
    LIMITS: limits()
      .default(new Map())
      .describe(
        'limits on calls at once and on new calls per second, counted over all nodes, separated by commas: gw:GATEWAY=MAX, gw:GATEWAY=MAX/RATE or gw:GATEWAY=/RATE, with * for every gateway without an entry of its own; id:NAME=MAX/RATE is for limits that decisions name in `limit`. Use the same value for all agents. A target whose gateway has reached its limit is skipped',
      ),
    RESTING_GATEWAYS: count(1, 1_000)
      .optional()
      .describe(
        'number of failures in a row after which a gateway rests: for RESTING_MS its targets are tried after all others of their decision. Counted by each agent for its node. Unset: gateways never rest',
      ),
    RESTING_MS: milliseconds(1, DAY)
      .default(60_000)
      .describe(
        'time for which a gateway rests. When it is over, the gateway is tried in order again, and rests at its next failure',
      ),
    RESTING_CAUSES: finalCauses()
      .default(['sip:5xx', ...GATEWAY_FAILURES])
      .describe(
        'hangup causes and SIP statuses that count as a failure of the gateway, separated by commas. An answer, and every other response, ends the row of failures',
      ),
    LIMITS_ON_OUTAGE: z
      .enum(['admit', 'refuse'], 'must be admit or refuse')
      .default('admit')
      .describe(
        'what happens to a call with limits while JetStream cannot count it within 500 ms: admit places it, and it counts as soon as JetStream answers; refuse treats its limits as reached',
      ),
    LIMITS_LEASE_MS: milliseconds(1_000, HOUR)
      .default(120_000)
      .describe(
        'time after which the calls of a node no longer count towards limits when none of its agents is connected to its FreeSWITCH and NATS. Longer: the calls of a lost node keep their places longer. Shorter: a restart of the agents may let more calls in than a limit allows',
      ),
    LIMITS_MAX_BYTES: bytes(MEBIBYTE, 1024 * 1024 * MEBIBYTE)
      .default(64 * MEBIBYTE)
      .describe(
        'maximum size of the JetStream stream that holds the places of all limits; a call needs about 200 bytes for each of its limits',
      ),
    LIMITS_REPLICAS: replicas().describe('number of NATS servers that store each place of a limit'),
    ALLOWED_VARIABLES: allowedVariables(),
    CALL_CONTROL: onOff()
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
    MAX_CHANNEL_DATA_BYTES: bytes(16 * 1024, 4 * 1024 * 1024)
      .default(128 * 1024)
      .describe(
        'maximum size of the channel data of one call. The agent refuses a call with more, and its dialplan continues; raise it for channels with very many or long variables',
      ),
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
    EVENT_BATCH_MS: milliseconds(0, 1_000)
      .default(100)
      .describe(
        'interval at which the agent reads events from FreeSWITCH. Longer: a call costs less CPU in all services, and a notification comes later by up to this time; decisions are not delayed. 0 reads each event at once',
      ),
    RECONCILE_INTERVAL_MS: milliseconds(100, HOUR)
      .default(60_000)
      .describe(
        'interval between two reconciliations of the live calls with the channels of FreeSWITCH. Each new event socket connection starts one too',
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
    LIVE_CALLS_REPLICAS: replicas().describe('number of NATS servers that store each live call'),
    MAX_BUFFERED_LIVE_CALLS: count(1, 10_000_000)
      .default(100_000)
      .describe(
        'maximum number of live calls buffered in memory while NATS does not store them. A further one is dropped, counted and logged',
      ),
  })
  .superRefine(checkNatsSettings)
  .refine(
    ({ DEFAULT_DECISION: plan, REDIRECT_ALLOWED_HOSTS: hosts }) =>
      plan === undefined || !('groups' in plan) || plan.on_redirect !== 'follow' || hosts.length > 0,
    'REDIRECT_ALLOWED_HOSTS must be set when DEFAULT_DECISION says on_redirect: follow',
  )
  .refine(
    ({ DEFAULT_DECISION: plan, LIMITS }) =>
      plan === undefined || !('groups' in plan) || limitProblem(plan.limit, LIMITS) === undefined,
    'LIMITS must have id:NAME for every limit that DEFAULT_DECISION names without max and rate',
  )
  .refine(
    ({ DEFAULT_DECISION: plan, RECORDINGS }) =>
      plan === undefined || !('groups' in plan) || plan.record === undefined || RECORDINGS !== undefined,
    'RECORDINGS must be set when DEFAULT_DECISION says record',
  )
  .refine(
    ({ DEFAULT_DECISION: plan }) => plan === undefined || !('collect' in plan),
    'DEFAULT_DECISION cannot collect digits: no endpoint would get them',
  )
  .refine(
    (of) =>
      of.MAX_CALLS_DECIDING < of.MAX_SOCKET_CONNECTIONS_PER_ADDRESS &&
      of.MAX_SOCKET_CONNECTIONS_PER_ADDRESS <= of.MAX_SOCKET_CONNECTIONS,
    'MAX_CALLS_DECIDING must be less than MAX_SOCKET_CONNECTIONS_PER_ADDRESS (an overloaded call still needs a connection), and that at most MAX_SOCKET_CONNECTIONS',
  );
export type AgentConfig = z.output<typeof AgentSettings> & {
  /** The settings of the embedded router, with EMBEDDED_ROUTER=on. */
  readonly router?: DecisionConfig;
};

/** @throws {ConfigError} */
export function readAgentConfig(env: NodeJS.ProcessEnv): AgentConfig {
  if (env['EMBEDDED_ROUTER'] !== 'on') return readConfig(AgentSettings, env);
  const [agent, router] = readConfigs([AgentSettings, DecisionSettings], env);
  return { ...agent, router };
}
