import { AGENT_HOST_FAULTS } from './agent-host-faults.ts';
import { BROKER_FAULTS } from './broker-faults.ts';

import type { Allowed, Fault } from './fault.ts';
import {
  clockSkew,
  endpointFault,
  fillRedis,
  fillStream,
  freeze,
  freezeAgents,
  impair,
  killInTurn,
  pause,
  resetInTurn,
  restartInTurn,
  stopped,
} from './fault-actions.ts';
import { LINKS } from './links.ts';
import type { Impairment } from './proxy.ts';

const REPEATS: Allowed = { repeats: true };
const NOTHING: Allowed = {};
const BY_SUPERVISOR = 'its supervisor restarts it after 1 s';
const ALL_OF: Readonly<Record<(typeof LINKS)[number], string>> = {
  'agent-nats': 'between the agents and NATS',
  'router-nats': 'between the routers and NATS',
  'notifier-redis': 'between the notifiers and Redis',
  'agent-freeswitch': 'between the agents and the event socket of FreeSWITCH',
  endpoint: 'between routers, notifiers and the endpoint',
};

/** Impairments by name; `%` stands for the connections. */
const IMPAIRMENTS: Readonly<Record<string, readonly [does: string, impairment: Impairment]>> = {
  delay: ['each chunk of bytes % is delayed by 150 ms in both directions', { delayMs: 150 }],
  cut: ['connections % are reset and refused', { refuse: true }],
  stall: ['no data passes % while connections stay open', { stall: true }],
  corrupt: ['one byte is changed in one of 25 chunks %, under TLS', { corrupt: 0.04 }],
};

const BOTH_NODES = ['fs1', 'fs2'];

/** The event socket has no TLS, so only one of two agents gets corrupted events: the other one publishes the originals. */
function impairmentFaults(): Fault[] {
  return LINKS.flatMap((link) =>
    Object.entries(IMPAIRMENTS).map(([name, [does, impairment]]): Fault => {
      const eventSocket = link === 'agent-freeswitch';
      const oneAgent = eventSocket && name === 'corrupt';
      const where = oneAgent ? 'between one of two agents and the event socket' : ALL_OF[link];
      return {
        name: `${name}-${link}`,
        does: (oneAgent ? does.replace(', under TLS', '') : does).replace('%', where),
        ends: 'the proxy stops impairing',
        cluster: { links: [link], ...(name === 'corrupt' && !eventSocket ? { tls: true } : {}) },
        seconds: [10, 2],
        allowed: {
          repeats: link === 'notifier-redis' || link === 'endpoint',
          ...(eventSocket && name === 'cut' ? { unobserved: BOTH_NODES } : {}),
          ...(oneAgent ? { ghosts: true } : {}),
        },
        inject: impair(link, impairment, oneAgent ? 'agent-1a' : undefined),
      };
    }),
  );
}

export const FAULTS: readonly Fault[] = [
  {
    name: 'none',
    does: 'nothing: the baseline of a healthy cluster on this machine',
    ends: '-',
    seconds: [5, 1],
    allowed: NOTHING,
    inject: (_, seconds) => pause(seconds),
  },
  {
    name: 'kill-agent',
    does: 'kill -9 of either of the two agents of a node, in turn, at random moments',
    ends: BY_SUPERVISOR,
    seconds: [10, 1],
    allowed: NOTHING,
    inject: killInTurn('agent-1a', 'agent-1b'),
  },
  {
    name: 'kill-other-agent',
    does: 'kill -9 of one of the two agents of a node, which stays down',
    ends: 'it is restarted at the end',
    seconds: [10, 2],
    allowed: NOTHING,
    inject: stopped('agent-1a'),
  },
  {
    name: 'kill-lone-agent',
    does: 'kill -9 of the only agent of a node while its calls continue and end',
    ends: BY_SUPERVISOR,
    seconds: [5, 1],
    allowed: { unobserved: ['fs2'] },
    inject: killInTurn('agent-2'),
  },
  {
    name: 'kill-router',
    does: 'kill -9 of one router after the other, at random moments',
    ends: BY_SUPERVISOR,
    seconds: [10, 1],
    allowed: NOTHING,
    inject: killInTurn('router-1', 'router-2'),
  },
  {
    name: 'kill-notifier',
    does: 'kill -9 of one notifier after the other, at random moments',
    ends: BY_SUPERVISOR,
    seconds: [10, 1],
    allowed: REPEATS,
    inject: killInTurn('notifier-1', 'notifier-2'),
  },
  {
    name: 'kill-nats',
    does: 'kill -9 of nats-server',
    ends: 'it is restarted with its store after 3 s',
    seconds: [3, 1],
    allowed: NOTHING,
    inject: stopped('nats', 3),
  },
  {
    name: 'kill-redis',
    does: 'kill -9 of redis-server',
    ends: 'it is restarted with its append-only file after 3 s',
    seconds: [3, 1],
    allowed: REPEATS,
    inject: stopped('redis', 3),
  },
  {
    name: 'freeze-agent',
    does: 'SIGSTOP of one agent of a node after the other, with a liveness probe as in Kubernetes (1 s, 2 failures)',
    ends: 'the failed probe kills it, and its supervisor restarts it',
    seconds: [30, 1],
    allowed: NOTHING,
    inject: freezeAgents,
  },
  {
    name: 'freeze-router',
    does: 'SIGSTOP of one router',
    ends: 'SIGCONT',
    seconds: [30, 3],
    allowed: NOTHING,
    inject: freeze('router-1'),
  },
  {
    name: 'freeze-notifier',
    does: 'SIGSTOP of both notifiers, one of which reads the stream',
    ends: 'SIGCONT',
    seconds: [30, 3],
    allowed: REPEATS,
    inject: freeze('notifier-1', 'notifier-2'),
  },
  {
    name: 'freeze-one-notifier',
    does: 'SIGSTOP of one notifier',
    ends: 'SIGCONT',
    seconds: [30, 3],
    allowed: REPEATS,
    inject: freeze('notifier-1'),
  },
  {
    name: 'freeze-nats',
    does: 'SIGSTOP of nats-server',
    ends: 'SIGCONT',
    seconds: [30, 3],
    allowed: NOTHING,
    inject: freeze('nats'),
  },
  {
    name: 'freeze-redis',
    does: 'SIGSTOP of redis-server',
    ends: 'SIGCONT',
    seconds: [30, 3],
    allowed: REPEATS,
    inject: freeze('redis'),
  },
  {
    name: 'rolling-restart',
    does: 'SIGTERM to every notifier, router and agent in turn, each when the previous one is ready again',
    ends: BY_SUPERVISOR,
    seconds: [0, 0],
    allowed: { unobserved: ['fs2'] },
    inject: restartInTurn,
  },
  {
    name: 'two-versions',
    does: 'one agent, one router and one notifier are of an earlier version, and all restart in turn',
    ends: BY_SUPERVISOR,
    twoVersions: true,
    seconds: [0, 0],
    allowed: { unobserved: ['fs2'] },
    inject: restartInTurn,
  },
  {
    name: 'reset-agent-freeswitch',
    does: 'the event socket of one agent after the other is reset',
    ends: 'agents reconnect',
    cluster: { links: ['agent-freeswitch'] },
    seconds: [8, 2],
    allowed: { unobserved: ['fs2'] },
    inject: resetInTurn('agent-freeswitch', 'agent-1a', 'agent-1b', 'agent-2'),
  },
  {
    name: 'reset-agent-nats',
    does: 'the connection to NATS of one agent after the other is reset',
    ends: 'agents reconnect',
    cluster: { links: ['agent-nats'] },
    seconds: [8, 2],
    allowed: NOTHING,
    inject: resetInTurn('agent-nats', 'agent-1a', 'agent-1b', 'agent-2'),
  },
  {
    name: 'reset-notifier-redis',
    does: 'the connections to Redis of one notifier after the other are reset',
    ends: 'notifiers reconnect',
    cluster: { links: ['notifier-redis'] },
    seconds: [8, 2],
    allowed: REPEATS,
    inject: resetInTurn('notifier-redis', 'notifier-1', 'notifier-2'),
  },
  {
    name: 'reset-endpoint',
    does: 'all connections to the endpoint are reset repeatedly',
    ends: 'routers and notifiers reconnect',
    cluster: { links: ['endpoint'] },
    seconds: [8, 2],
    allowed: REPEATS,
    inject: resetInTurn('endpoint', 'endpoint'),
  },
  ...impairmentFaults(),
  {
    name: 'nats-away',
    does: 'NATS is down',
    ends: 'it is restarted with its store',
    seconds: [30, 3],
    allowed: NOTHING,
    inject: stopped('nats'),
  },
  {
    name: 'redis-away',
    does: 'Redis is down',
    ends: 'it is restarted with its append-only file',
    seconds: [30, 3],
    allowed: REPEATS,
    inject: stopped('redis'),
  },
  {
    name: 'endpoint-down',
    does: 'the endpoint refuses connections',
    ends: 'it listens again',
    seconds: [15, 2],
    allowed: REPEATS,
    inject: async ({ endpoint }, seconds) => {
      await endpoint.down();
      await pause(seconds);
      await endpoint.up();
    },
  },
  {
    name: 'endpoint-slow',
    does: 'the endpoint answers everything after 3 s, longer than the response timeout',
    ends: 'it answers at once',
    seconds: [10, 2],
    allowed: REPEATS,
    inject: endpointFault({ slowMs: 3_000 }),
  },
  {
    name: 'endpoint-503',
    does: 'the endpoint answers 503 with Retry-After: 2',
    ends: 'it answers 200',
    seconds: [10, 2],
    allowed: NOTHING,
    inject: endpointFault({ retryAfterS: 2 }),
  },
  {
    name: 'freeswitch-crash',
    does: 'a FreeSWITCH node crashes and restarts at once: its calls are gone',
    ends: 'agents log in again',
    seconds: [3, 1],
    allowed: { unobserved: ['fs1'], crashed: ['fs1'] },
    inject: async (cluster, seconds) => {
      const node = cluster.node('fs1');
      await node.crash();
      await node.start();
      await pause(seconds);
    },
  },
  {
    name: 'freeswitch-restart',
    does: 'a FreeSWITCH node hangs up its calls and shuts down',
    ends: 'it is restarted on its port',
    seconds: [5, 1],
    allowed: { unobserved: ['fs2'], crashed: ['fs2'] },
    inject: async (cluster, seconds) => {
      const node = cluster.node('fs2');
      await node.stop();
      await pause(seconds);
      await node.start();
    },
  },
  {
    name: 'clock-ahead',
    does: 'the wall clocks of the routers are an hour ahead of those of the agents',
    ends: 'never',
    cluster: { env: { router: clockSkew(1) } },
    seconds: [5, 2],
    allowed: NOTHING,
    inject: (_, seconds) => pause(seconds),
  },
  {
    name: 'clock-behind',
    does: 'the wall clocks of the routers are an hour behind those of the agents',
    ends: 'never',
    cluster: { env: { router: clockSkew(-1) } },
    seconds: [5, 2],
    allowed: NOTHING,
    inject: (_, seconds) => pause(seconds),
  },
  {
    name: 'jetstream-full',
    does: 'the progress stream is full and stays full, as Redis is frozen',
    ends: 'SIGCONT',
    cluster: { env: { notifier: { PROGRESS_MAX_BYTES: '1048576' } } },
    seconds: [15, 3],
    allowed: REPEATS,
    inject: fillStream,
  },
  {
    name: 'redis-full',
    does: 'Redis refuses every write: maxmemory is reached and nothing is evicted',
    ends: 'maxmemory is lifted',
    seconds: [15, 3],
    allowed: REPEATS,
    inject: fillRedis,
  },
  ...BROKER_FAULTS,
  ...AGENT_HOST_FAULTS,
];

export const faultNamed = (name: string): Fault | undefined => FAULTS.find((fault) => fault.name === name);

/** Faults of agents, routers, their connections and FreeSWITCH: the default with --freeswitch. */
export const ON_FREESWITCH: ReadonlySet<string> = new Set(
  FAULTS.map(({ name }) => name).filter((name) => /^none$|agent|router|rolling|freeswitch/.test(name)),
);
