import { isIPv6 } from 'node:net';
import { z } from 'zod';
import { readConfig } from '#libs/config/config.ts';
import { freeswitchSettings, socketSettings } from '#libs/config/freeswitch-settings.ts';
import { checkNatsSettings, commonSettings, onOff, replicas, url } from '#libs/config/settings.ts';
import { checkEndpointSettings, endpointOptions, endpointSettings } from '#libs/http/settings.ts';
import { checkRedisSettings, queueSettings, replicationSettings } from '#libs/queue/settings.ts';
import { EXIT, type Given, type Terminal, UsageError } from '../command.ts';
import { endpointFindings } from './endpoint.ts';
import { endpointFacts } from './endpoint-facts.ts';
import { AREAS, type Area, type Finding } from './finding.ts';
import { freeSwitchFindings } from './freeswitch.ts';
import { freeSwitchFacts } from './freeswitch-facts.ts';
import { hostFindings } from './host.ts';
import { hostFacts, type SocketAddress } from './host-facts.ts';
import { natsFindings, STREAMS } from './nats.ts';
import { natsFacts } from './nats-facts.ts';
import { redisFindings } from './redis.ts';
import { redisFacts } from './redis-facts.ts';
import { type AreaFindings, report } from './report.ts';

const SERVICES = ['agent', 'router', 'notifier', 'console', 'setup'];

/** Only what doctor reads of the services' settings, so that one environment may have those of all. */
const DoctorSettings = z
  .object({
    ...commonSettings,
    ...freeswitchSettings,
    ...endpointSettings,
    ...queueSettings,
    ...socketSettings,
    NODE_NAME: z.string().optional(),
    CALL_CONTROL: onOff().default('off'),
    DEFAULT_ENDPOINT_URL: url('http:', 'https:').optional(),
    FALLBACK_ENDPOINT_URL: url('http:', 'https:').optional(),
    LIVE_CALLS_REPLICAS: replicas(),
    LIMITS_REPLICAS: replicas(),
    PROGRESS_REPLICAS: replicas(),
    ...replicationSettings,
  })
  .superRefine(checkNatsSettings)
  .superRefine(checkEndpointSettings)
  .superRefine(checkRedisSettings);
type Config = z.output<typeof DoctorSettings>;

/** Addresses that mean every address of the host, and the one through which the host reaches itself. */
const LOOPBACK: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/**
 * The hosts of `socket`, HOST:PORT|HOST:PORT as in the dialplan; by default the address of this host's agent.
 * @throws {UsageError}
 */
function socketHosts({ options: { socket } }: Given, config: Config): SocketAddress[] {
  if (socket === undefined) {
    const { SOCKET_HOST: host, SOCKET_PORT: at } = config;
    return [{ host: LOOPBACK[host] ?? host, port: at }];
  }
  return socket.split('|').map((one) => {
    // FreeSWITCH splits at the last colon, and takes IPv6 addresses without brackets only.
    const [, given = '', port] = /^(\S+):(\d{1,5})$/.exec(one.trim()) ?? [];
    const host = given.replace(/^\[(.*)\]$/, '$1');
    if (port === undefined || (host.includes(':') && !isIPv6(host)))
      throw new UsageError(`--socket must be HOST:PORT|HOST:PORT or IPV6:PORT, not "${socket}"`);
    return { host: LOOPBACK[host] ?? host, port: Number(port) };
  });
}

function areasOf({ lists }: Given): ReadonlySet<Area> {
  const wanted = lists['only'] ?? [];
  for (const name of wanted)
    if (!AREAS.some((area) => area === name))
      throw new UsageError(`--only must be one of ${AREAS.join(', ')}, not "${name}"`);
  return new Set(wanted.length === 0 ? AREAS : (wanted as Area[]));
}

function serviceOf({ options }: Given): string {
  const { as: service = 'agent' } = options;
  if (!SERVICES.includes(service))
    throw new UsageError(`--as must be one of ${SERVICES.join(', ')}, not "${service}"`);
  return service;
}

function endpointsOf({ lists }: Given, config: Config): string[] {
  const given = lists['endpoint'] ?? [];
  for (const one of given)
    if (!/^https?:$/.test(URL.parse(one)?.protocol ?? ''))
      throw new UsageError('--endpoint must be a URL that starts with http:// or https://');
  const configured = [config.DEFAULT_ENDPOINT_URL, config.FALLBACK_ENDPOINT_URL];
  return [...new Set([...given, ...configured.filter((one) => one !== undefined)])];
}

async function checkEndpoints(urls: readonly string[], config: Config, now: number): Promise<Finding[]> {
  const access = endpointOptions(config);
  const facts = await Promise.all(urls.map((one) => endpointFacts(one, access, now)));
  return facts.flatMap(endpointFindings);
}

/** Checks every area at once and prints what was found. */
export async function run(given: Given, terminal: Terminal): Promise<number> {
  if (given.arguments.length > 0) throw new UsageError('doctor takes no arguments');
  const areas = areasOf(given);
  const service = serviceOf(given);
  const config = readConfig(DoctorSettings, terminal.env);
  const sockets = socketHosts(given, config);
  const endpoints = endpointsOf(given, config);
  const wanted = Object.fromEntries(
    Object.entries(STREAMS).map(([name, { setting }]) => [name, config[setting]]),
  );
  const access = {
    host: config.FREESWITCH_HOST,
    port: config.FREESWITCH_PORT,
    user: config.FREESWITCH_USER,
    password: config.FREESWITCH_PASSWORD,
    callControl: config.CALL_CONTROL === 'on',
  };
  const checks: Readonly<Record<Area, () => Promise<Finding[]>>> = {
    host: async () => hostFindings(await hostFacts(config.FREESWITCH_HOST, sockets)),
    freeswitch: async () => freeSwitchFindings(await freeSwitchFacts(access)),
    nats: async () => natsFindings(await natsFacts(config, service, wanted, config.NODE_NAME ?? 'doctor')),
    redis: async () => redisFindings(await redisFacts(config, config.REDIS_WAIT_REPLICAS)),
    endpoint: () => checkEndpoints(endpoints, config, terminal.now()),
  };
  const found: AreaFindings[] = await Promise.all(
    AREAS.filter((area) => areas.has(area)).map(async (area) => ({ area, findings: await checks[area]() })),
  );
  report(found, given.flags.has('json'), terminal);
  const failed = found.some(({ findings }) => findings.some(({ level }) => level === 'error'));
  return failed ? EXIT.failed : EXIT.ok;
}
