import { REPLICATED_SINCE } from '#libs/bus/server-version.ts';
import { BUS } from '#libs/contract/messages.ts';
import { isOlder } from '#libs/version/version.ts';
import { error, type Finding, ok, warning } from './finding.ts';

/** How the replicas of a stream are. */
export interface StreamFacts {
  readonly replicas: number;
  readonly leader: string | undefined;
  /** Followers that are offline or do not have everything. */
  readonly behind: readonly string[];
}

/** `missing`: there is no such stream; `denied`: the user lacks the permission; otherwise why there was no answer. */
export type StreamAnswer = StreamFacts | { readonly problem: 'missing' | 'denied' | string };

export interface NatsFacts {
  /** Why there is no connection. */
  readonly connectError?: string;
  readonly version: string;
  /** Name of the cluster; undefined for a single server. */
  readonly cluster: string | undefined;
  /** Addresses that the server has announced, its own included. */
  readonly announced: number;
  readonly rttMs: number;
  /** Why JetStream does not answer; undefined when it does. */
  readonly jetstreamError: string | undefined;
  readonly streams: Readonly<Record<string, StreamAnswer>>;
  /** Replicas that the settings ask for, by stream. */
  readonly wanted: Readonly<Record<string, number>>;
  /** Subjects to which the user may not publish, of those that were tried; undefined when none was tried. */
  readonly refused: readonly string[] | undefined;
  /** Whether the server has sent a ping within PING_WAIT_MS of silence; undefined if that was not observed. */
  readonly pinged: boolean | undefined;
}

/** Longer than two intervals of 3 s, as the docs recommend: the server leaves every second ping out. */
export const PING_WAIT_MS = 8_000;

const SLOW_MS = 20;
const CLUSTER_OF = 3;

interface CheckedStream {
  /** The setting with its number of replicas. */
  readonly setting: 'PROGRESS_REPLICAS' | 'LIVE_CALLS_REPLICAS' | 'LIMITS_REPLICAS';
  /** When a service creates it. */
  readonly created: string;
  /** The effect of a stream that stores nothing. */
  readonly loss: string;
}

/** The streams that are checked, by name. */
export const STREAMS: Readonly<Record<string, CheckedStream>> = {
  [BUS.stream]: { setting: 'PROGRESS_REPLICAS', created: 'at its start', loss: 'stops notifications' },
  [BUS.liveStream]: { setting: 'LIVE_CALLS_REPLICAS', created: 'at its start', loss: 'stops notifications' },
  [BUS.limitStream]: {
    setting: 'LIMITS_REPLICAS',
    created: 'when it first counts calls',
    loss: 'stops the counting of limits',
  },
};

function connectFinding(text: string): Finding {
  if (/authorization|authentication/i.test(text))
    return error('connection', text, 'correct user, password, token or key in NATS_*');
  if (/certificate|tls|INFO/i.test(text))
    return error(
      'connection',
      text,
      'check NATS_TLS_* and that the URL is tls:// where the server requires TLS',
    );
  return error('connection', text, 'start nats-server; check NATS_URL and the firewall');
}

function versionFinding({ version, cluster, wanted }: NatsFacts): Finding {
  if (!isOlder(version, REPLICATED_SINCE)) return ok('version', version);
  const isReplicated = cluster !== undefined || Object.values(wanted).some((replicas) => replicas > 1);
  return isReplicated
    ? error(
        'version',
        `${version} loses acknowledged messages when a stream changes its leader`,
        `upgrade to ${REPLICATED_SINCE} or newer`,
      )
    : ok('version', `${version}, enough for a single server; a cluster needs ${REPLICATED_SINCE} or newer`);
}

const clusterFinding = ({ cluster, announced }: NatsFacts): Finding => {
  if (cluster === undefined) return ok('cluster', 'a single server');
  const found = `${cluster}, ${announced} servers announced`;
  return announced >= CLUSTER_OF
    ? ok('cluster', found)
    : warning('cluster', found, 'start three servers: with fewer, the loss of one stops JetStream');
};

function pingFinding({ cluster, pinged }: NatsFacts): Finding[] {
  if (cluster === undefined || pinged === undefined) return [];
  return [
    pinged
      ? ok('ping_interval', `a silent client is pinged within ${PING_WAIT_MS / 1000} s`)
      : warning(
          'ping_interval',
          `no ping within ${PING_WAIT_MS / 1000} s: requests go to routers behind a server that hangs for minutes`,
          'set ping_interval: "3s" and ping_max: 2 in every server, see deploy/nats/nats.conf',
        ),
  ];
}

function streamFinding(
  name: string,
  answer: StreamAnswer,
  { wanted, announced, cluster }: NatsFacts,
): Finding {
  const { setting, created, loss } = STREAMS[name] ?? { setting: '', created: 'at its start', loss: '' };
  const replicas = wanted[name] ?? 1;
  const servers = cluster === undefined ? 1 : announced;
  if ('problem' in answer) {
    if (answer.problem === 'denied') return ok(name, 'not checked: this NATS user may not ask for it');
    if (answer.problem !== 'missing')
      return error(name, answer.problem, 'see the log of nats-server; JetStream may have no leader');
    if (replicas > servers)
      return error(
        name,
        `cannot be created with ${replicas} replicas on ${servers} server${servers === 1 ? '' : 's'}`,
        `start ${replicas} servers in one cluster, or lower ${setting}`,
      );
    return ok(name, `does not exist yet: a service creates it ${created}`);
  }
  if (answer.leader === undefined)
    return error(name, 'has no leader', 'start the missing servers: more than half of the replicas must run');
  if (answer.behind.length > 0)
    return warning(
      name,
      `replicas that are offline or behind: ${answer.behind.join(', ')}`,
      'start these servers: after another failure nothing is stored',
    );
  if (answer.replicas !== replicas)
    return warning(
      name,
      `has ${answer.replicas} replicas, ${setting} is ${replicas}`,
      `set ${setting} to the same value for every service, and start one that may update the stream`,
    );
  if (answer.replicas < CLUSTER_OF && servers >= CLUSTER_OF)
    return warning(
      name,
      `has ${answer.replicas} replica${answer.replicas === 1 ? '' : 's'} on ${servers} servers`,
      `set ${setting}=3: the loss of one server ${loss}`,
    );
  return ok(
    name,
    `${answer.replicas} replica${answer.replicas === 1 ? '' : 's'}, leader ${answer.leader || 'this server'}`,
  );
}

function publishFinding({ refused }: NatsFacts): Finding[] {
  if (refused === undefined) return [];
  if (refused.length === 0)
    return [ok('publish', 'progress events, live calls, limits and abandon are allowed')];
  return [
    error(
      'publish',
      `refused: ${refused.join(', ')}`,
      'allow the NATS user of the agents these subjects, see deploy/nats/nats.conf',
    ),
  ];
}

export function natsFindings(facts: NatsFacts): Finding[] {
  if (facts.connectError !== undefined) return [connectFinding(facts.connectError)];
  const { rttMs, jetstreamError, streams } = facts;
  return [
    versionFinding(facts),
    clusterFinding(facts),
    rttMs > SLOW_MS
      ? warning(
          'round trip',
          `${rttMs} ms`,
          'connect each service to a server nearby: every decision takes two round trips',
        )
      : ok('round trip', `${rttMs} ms`),
    ...pingFinding(facts),
    jetstreamError === undefined
      ? ok('JetStream', 'answers')
      : error(
          'JetStream',
          jetstreamError,
          'enable JetStream, for the account too; on a leaf node set NATS_JETSTREAM_DOMAIN; allow the user $JS.API.INFO',
        ),
    ...Object.entries(streams).map(([name, answer]) => streamFinding(name, answer, facts)),
    ...publishFinding(facts),
  ];
}
