import { describe, expect, it } from 'vitest';
import { type EndpointFacts, endpointFindings } from '#services/cli/doctor/endpoint.ts';
import type { Finding } from '#services/cli/doctor/finding.ts';
import { type ApiResult, type FreeSwitchFacts, freeSwitchFindings } from '#services/cli/doctor/freeswitch.ts';
import { type HostFacts, hostFindings } from '#services/cli/doctor/host.ts';
import { type NatsFacts, natsFindings } from '#services/cli/doctor/nats.ts';
import { streamFacts } from '#services/cli/doctor/nats-facts.ts';
import { parseInfo, type RedisFacts, redisFindings } from '#services/cli/doctor/redis.ts';

/** The checks that are not ok, and their levels. */
const troubles = (findings: readonly Finding[]): string[] =>
  findings.filter(({ level }) => level !== 'ok').map(({ check, level }) => `${check}: ${level}`);

const text = (value: string): ApiResult => ({ ok: true, text: value });
const DENIED: ApiResult = { ok: false, error: '-ERR permission denied' };

const APPLICATIONS =
  'multiset set export bridge hangup socket respond pre_answer answer playback sched_hangup sched_cancel sched_broadcast flush_dtmf read event multiunset record_session stop_record_session unset';
const applications = (names: string): ApiResult =>
  text(JSON.stringify({ rows: names.split(' ').map((name) => ({ name })) }));
const MODULES = { mod_commands: true, mod_dptools: true, mod_event_socket: true, mod_sofia: true };
const API = {
  version: text('FreeSWITCH Version 1.10.12-release-10222002881-a88d069d6f~64bit (-release)'),
  show: applications(APPLICATIONS),
  switchname: text('fs1'),
  uptime: text('12345'),
  uuid_exists: text('false'),
  url_encode: text('a%20b'),
  sofia: text(
    '<gateways><gateway><name>gw</name><state>REGED</state><status>UP</status></gateway></gateways>',
  ),
};
const FREESWITCH: FreeSwitchFacts = {
  user: 'dialhook@pbx.local',
  isDefaultPassword: false,
  callControl: false,
  refusedEvents: [],
  api: API,
  modules: MODULES,
  clockOffsetMs: 0,
};

describe('FreeSWITCH', () => {
  it.each<[string, Partial<FreeSwitchFacts>, string[]]>([
    ['as it must be', {}, []],
    ['the login is refused', { loginError: 'FreeSWITCH refused the login' }, ['event socket: error']],
    ['the address is refused', { loginError: 'FreeSWITCH refused this address: x' }, ['event socket: error']],
    ['nothing listens', { loginError: 'connect ECONNREFUSED 127.0.0.1:8021' }, ['event socket: error']],
    [
      'an old version',
      { api: { ...API, version: text('FreeSWITCH Version 1.8.7~64bit') } },
      ['version: warning'],
    ],
    ['no version', { api: { ...API, version: text('?') } }, ['version: warning']],
    ['the default password', { isDefaultPassword: true }, ['password: warning']],
    ['a right is missing', { api: { ...API, uuid_exists: DENIED } }, ['permissions: error']],
    [
      'a right of call control is missing',
      { callControl: true, api: { ...API, uuid_kill: DENIED } },
      ['permissions: error'],
    ],
    ['no right of call control is needed', { api: { ...API, uuid_kill: DENIED } }, []],
    ['an event is refused', { refusedEvents: ['CHANNEL_BRIDGE'] }, ['events: warning']],
    ['a module is missing', { modules: { ...MODULES, mod_sofia: false } }, ['modules: error']],
    ['no url_encode', { api: { ...API, url_encode: { ok: false, error: '-ERR' } } }, ['url_encode: error']],
    ['no application bridge', { api: { ...API, show: applications('set export') } }, ['applications: error']],
    ...[
      'playback',
      'flush_dtmf',
      'read',
      'event',
      'multiunset',
      'record_session',
      'stop_record_session',
      'unset',
    ].map((name): [string, Partial<FreeSwitchFacts>, string[]] => [
      `no application ${name}`,
      { api: { ...API, show: applications(APPLICATIONS.replace(` ${name}`, '')) } },
      ['applications: warning'],
    ]),
    [
      'a gateway is down',
      {
        api: {
          ...API,
          sofia: text(
            '<gateway>\n<name>gw</name>\n<state>FAIL_WAIT</state>\n<status>DOWN</status></gateway>',
          ),
        },
      },
      ['gateways: warning'],
    ],
    ['the clock is behind', { clockOffsetMs: -5_000 }, ['clock: warning']],
  ])('%s', (_, given, expected) => {
    expect(troubles(freeSwitchFindings({ ...FREESWITCH, ...given }))).toEqual(expected);
  });

  it('says which checks the rights of an agent do not allow', () => {
    const { show, switchname, uptime, uuid_exists } = API;
    const own = Object.fromEntries(
      ['version', 'module_exists', 'url_encode', 'sofia', 'strepoch'].map((name) => [name, DENIED]),
    );
    const { modules: _, clockOffsetMs: __, ...rest } = FREESWITCH;
    const findings = freeSwitchFindings({ ...rest, api: { show, switchname, uptime, uuid_exists, ...own } });
    expect(troubles(findings)).toEqual(['not checked: warning']);
  });
});

const STREAM = { replicas: 3, leader: 'n1', behind: [] };
const NATS: NatsFacts = {
  version: '2.11.9',
  cluster: 'c',
  announced: 3,
  rttMs: 1,
  jetstreamError: undefined,
  streams: { DIALHOOK_PROGRESS: STREAM },
  wanted: { DIALHOOK_PROGRESS: 3 },
  refused: [],
  pinged: true,
};
const SINGLE = {
  cluster: undefined,
  announced: 1,
  pinged: undefined,
  wanted: { DIALHOOK_PROGRESS: 1 },
  streams: { DIALHOOK_PROGRESS: { ...STREAM, replicas: 1, leader: '' } },
};

describe('NATS', () => {
  it.each<[string, Partial<NatsFacts>, string[]]>([
    ['a cluster as it must be', {}, []],
    ['a single server', SINGLE, []],
    ['not reachable', { connectError: 'connect ECONNREFUSED' }, ['connection: error']],
    ['a wrong password', { connectError: 'Authorization Violation' }, ['connection: error']],
    ['an old server in a cluster', { version: '2.9.25' }, ['version: error']],
    ['an old single server', { ...SINGLE, version: '2.9.25' }, []],
    [
      'an old single server that is to replicate',
      { ...SINGLE, version: '2.9.25', wanted: { DIALHOOK_LIVE: 3, DIALHOOK_PROGRESS: 1 } },
      ['version: error'],
    ],
    ['a cluster of two', { announced: 2 }, ['cluster: warning']],
    ['far away', { rttMs: 60 }, ['round trip: warning']],
    ['servers that ping seldom', { pinged: false }, ['ping_interval: warning']],
    ['no JetStream', { jetstreamError: 'jetstream is not enabled', streams: {} }, ['JetStream: error']],
    ['the stream is not created yet', { streams: { DIALHOOK_PROGRESS: { problem: 'missing' } } }, []],
    [
      'it cannot be created',
      { ...SINGLE, wanted: { DIALHOOK_PROGRESS: 3 }, streams: { DIALHOOK_PROGRESS: { problem: 'missing' } } },
      ['DIALHOOK_PROGRESS: error'],
    ],
    ['the user may not ask', { streams: { DIALHOOK_PROGRESS: { problem: 'denied' } } }, []],
    ['no answer', { streams: { DIALHOOK_PROGRESS: { problem: 'timeout' } } }, ['DIALHOOK_PROGRESS: error']],
    [
      'no leader',
      { streams: { DIALHOOK_PROGRESS: { ...STREAM, leader: undefined } } },
      ['DIALHOOK_PROGRESS: error'],
    ],
    [
      'a replica is offline',
      { streams: { DIALHOOK_PROGRESS: { ...STREAM, behind: ['n2'] } } },
      ['DIALHOOK_PROGRESS: warning'],
    ],
    [
      'fewer replicas than the setting',
      { streams: { DIALHOOK_PROGRESS: { ...STREAM, replicas: 1 } } },
      ['DIALHOOK_PROGRESS: warning'],
    ],
    [
      'one replica on three servers',
      { wanted: { DIALHOOK_PROGRESS: 1 }, streams: { DIALHOOK_PROGRESS: { ...STREAM, replicas: 1 } } },
      ['DIALHOOK_PROGRESS: warning'],
    ],
  ])('%s', (_, given, expected) => {
    expect(troubles(natsFindings({ ...NATS, ...given }))).toEqual(expected);
  });

  it.each<[string, Parameters<typeof streamFacts>[0]['cluster'], string]>([
    ['of NATS 2.9', { leader: '', replicas: [] }, 'this server'],
    ['of NATS 2.15, which names its id', { leader: 'NCY26XCM', replicas: [] }, 'this server'],
    ['in a cluster', { name: 'nats', leader: 'n2', replicas: [] }, 'n2'],
    ['without any facts', undefined, 'this server'],
  ])('the leader of a stream on a server %s', (_, cluster, leader) => {
    const config = { num_replicas: 1 } as Parameters<typeof streamFacts>[0]['config'];
    const streams = { DIALHOOK_PROGRESS: streamFacts({ config, ...(cluster && { cluster }) }) };
    const found = natsFindings({ ...NATS, ...SINGLE, streams });
    expect(found.find(({ check }) => check === 'DIALHOOK_PROGRESS')?.found).toBe(
      `1 replica, leader ${leader}`,
    );
  });
});

const INFO: Readonly<Record<string, string>> = parseInfo(
  [
    '# Server',
    'redis_version:7.0.15',
    'redis_mode:standalone',
    'role:master',
    'connected_slaves:1',
    'aof_enabled:1',
    'aof_last_write_status:ok',
    'rdb_last_bgsave_status:ok',
    'maxmemory_policy:noeviction',
    'maxmemory:1000',
    'used_memory:100',
    '',
  ].join('\r\n'),
);
const redis = (info: Record<string, string>, more: Partial<RedisFacts> = {}): RedisFacts => ({
  mode: 'standalone',
  waitReplicas: 0,
  servers: [{ name: '', info: { ...INFO, ...info } }],
  ...more,
});

describe('Redis', () => {
  it.each<[string, RedisFacts, string[]]>([
    ['as it must be', redis({}), []],
    ['not reachable', redis({}, { connectError: 'connect ECONNREFUSED' }), ['connection: error']],
    ['an old version', redis({ redis_version: '5.0.7' }), ['version: warning']],
    ['keys are evicted', redis({ maxmemory_policy: 'allkeys-lru' }), ['eviction: error']],
    ['almost full', redis({ used_memory: '900' }), ['memory: warning']],
    ['no limit', redis({ maxmemory: '0' }), []],
    ['nothing is stored', redis({ aof_enabled: '0' }), ['persistence: warning']],
    ['its disk is full', redis({ aof_last_write_status: 'err' }), ['persistence: error']],
    ['a snapshot failed', redis({ rdb_last_bgsave_status: 'err' }), ['persistence: error']],
    ['it is loading', redis({ loading: '1' }), ['persistence: warning']],
    ['a replica', redis({ role: 'slave', master_host: 'h' }), ['role: error']],
    ['too few replicas', redis({}, { waitReplicas: 2 }), ['role: error']],
    ['a cluster node', redis({ redis_mode: 'cluster' }), ['role: error']],
    ['no cluster', redis({}, { mode: 'cluster' }), ['role: error']],
  ])('%s', (_, facts, expected) => expect(troubles(redisFindings(facts))).toEqual(expected));

  it('names the server of a finding when there are several', () => {
    const servers = ['a:1', 'b:2'].map((name) => ({ name, info: { ...INFO, redis_mode: 'cluster' } }));
    const found = redisFindings({ mode: 'cluster', waitReplicas: 0, servers });
    expect(found.filter(({ check }) => check === 'role').map(({ found: one }) => one)).toEqual([
      'a:1: primary with 1 replica',
      'b:2: primary with 1 replica',
    ]);
  });
});

const ENDPOINT: EndpointFacts = { url: 'https://crm.example/', addresses: ['10.0.0.1'], connectMs: 3 };
const certificate = (daysLeft: number, problem?: string) => ({ certificate: { daysLeft, problem } });

describe('an endpoint', () => {
  it.each<[string, Partial<EndpointFacts>, string[]]>([
    ['as it must be', certificate(90), []],
    ['refused by the address rules', { refusal: 'no' }, ['address: error']],
    ['an unknown name', { dnsError: 'getaddrinfo ENOTFOUND' }, ['DNS: error']],
    ['no connection', { connectError: 'ECONNREFUSED' }, ['connection: error']],
    ['far away', { connectMs: 200 }, ['latency: warning']],
    ['a certificate that expires soon', certificate(3), ['certificate: warning']],
    ['an expired certificate', certificate(-3, 'CERT_HAS_EXPIRED'), ['certificate: error']],
    ['an unknown authority', certificate(90, 'SELF_SIGNED_CERT_IN_CHAIN'), ['certificate: error']],
  ])('%s', (_, given, expected) => {
    expect(troubles(endpointFindings({ ...ENDPOINT, ...given }))).toEqual(expected);
  });
});

const LOCAL = { address: '127.0.0.1:8084', isLocal: true };
const AWAY = { address: '10.0.0.5:8084', isLocal: false };
const HOST: HostFacts = { besideFreeSwitch: true, sockets: [LOCAL], synRetries: 6, keepaliveTime: 7200 };

describe('the host', () => {
  it.each<[string, Partial<HostFacts>, string[]]>([
    ['the agent is beside FreeSWITCH', {}, []],
    ['the agent does not run', { sockets: [{ ...LOCAL, connectError: 'refused' }] }, ['socket: error']],
    ['this is not the FreeSWITCH host', { besideFreeSwitch: false }, ['agents: warning']],
    [
      'the agent is on another host, with the settings of the kernel',
      { sockets: [AWAY] },
      ['agents: warning', 'tcp_syn_retries: error', 'tcp_keepalive_time: error'],
    ],
    [
      'the agent is on another host, with the recommended settings',
      { sockets: [LOCAL, AWAY], synRetries: 2, keepaliveTime: 5 },
      ['agents: warning'],
    ],
  ])('%s', (_, given, expected) => {
    expect(troubles(hostFindings({ ...HOST, ...given }))).toEqual(expected);
  });

  it('says how long a silent host delays a call', () => {
    const found = hostFindings({ ...HOST, sockets: [AWAY] }).map(({ found: one }) => one);
    expect(found).toContain('6: a silent agent host delays each call by 127 s');
  });
});

describe('the remedy for a server that cannot be used', () => {
  const FIREWALL = /^start .*firewall/;
  const freeswitch = (loginError: string) => freeSwitchFindings({ ...FREESWITCH, loginError });
  const nats = (connectError: string) => natsFindings({ ...NATS, connectError });
  const redisServer = (connectError: string) => redisFindings(redis({}, { connectError }));

  it.each<[string, (error: string) => Finding[], RegExp]>([
    ['FreeSWITCH refused this address: x', freeswitch, /apply-inbound-acl/],
    ['FreeSWITCH refused the login', freeswitch, /FREESWITCH_PASSWORD/],
    ['-ERR event not permitted', freeswitch, /esl-allowed-events="CHANNEL_/],
    ['connect ECONNREFUSED 127.0.0.1:8021', freeswitch, FIREWALL],
    ['Authorization Violation', nats, /user, password, token or key/],
    ['self-signed certificate', nats, /NATS_TLS_/],
    ['connect ECONNREFUSED 127.0.0.1:4222', nats, FIREWALL],
    ['WRONGPASS invalid username-password pair', redisServer, /REDIS_PASSWORD/],
    ['NOAUTH Authentication required', redisServer, /REDIS_PASSWORD/],
    ['All sentinels are unreachable', redisServer, /REDIS_SENTINEL_NAME/],
    ['connect ECONNREFUSED 127.0.0.1:6379', redisServer, FIREWALL],
  ])('%s', (error, findings, remedy) => {
    expect(findings(error).map((one) => one.remedy)).toEqual([expect.stringMatching(remedy)]);
  });
});

it('every warning and error has a remedy', () => {
  const all = [
    ...freeSwitchFindings({
      ...FREESWITCH,
      isDefaultPassword: true,
      refusedEvents: ['CHANNEL_BRIDGE'],
      api: {},
    }),
    ...natsFindings({ ...NATS, version: '2.9.1', announced: 1, pinged: false, jetstreamError: 'x' }),
    ...redisFindings(redis({ role: 'slave', aof_enabled: '0', maxmemory_policy: 'x', redis_version: '1.0' })),
    ...hostFindings({ ...HOST, sockets: [AWAY] }),
  ];
  for (const { level, remedy } of all) expect(remedy === undefined).toBe(level === 'ok');
});
