import type { Trouble } from './proxy.ts';
import {
  away,
  fillRedis,
  fillStream,
  freeze,
  freezeAgents,
  killInTurn,
  mood,
  pause,
  reset,
  restartInTurn,
  skewed,
  trouble,
} from './strikes.ts';
import { LINKS, type Link, type World, type WorldOptions } from './world.ts';

/** What a fault may cost. Everything else has to be as if there were no fault. */
export interface Allowed {
  /** Notifications may come twice. */
  readonly repeats?: boolean;
  /**
   * Nodes of which nobody may be listening for a while: there is nobody to see a called leg ring or answer then. The
   * end of every call has to be told all the same.
   */
  readonly unseen?: readonly string[];
  /** An event changed on the wire may tell of what never was. */
  readonly ghosts?: boolean;
  /** Switches whose calls end with them. */
  readonly crashed?: readonly string[];
}

export interface Fault {
  readonly name: string;
  readonly does: string;
  readonly ends: string;
  readonly allowed: Allowed;
  /** What the cluster must be like for it. */
  readonly world?: Pick<WorldOptions, 'links' | 'tls' | 'env'>;
  /** How long it lasts, in seconds: in the whole matrix and in its short form. */
  readonly seconds: readonly [whole: number, short: number];
  /** Does it and undoes what nobody else undoes. */
  readonly strike: (world: World, seconds: number) => Promise<void>;
}

const REPEATS: Allowed = { repeats: true };
const NOTHING: Allowed = {};
const BY_SUPERVISOR = 'its supervisor starts it again after 1 s';
const ALL_OF: Readonly<Record<Link, string>> = {
  'agent-nats': 'between the agents and NATS',
  'router-nats': 'between the routers and NATS',
  'notifier-redis': 'between the notifiers and Redis',
  'agent-freeswitch': 'between the agents and the event socket of FreeSWITCH',
  endpoint: 'between routers, notifiers and the endpoint',
};

/** What a proxy does, by what one calls it; `%` is the wire. */
const TROUBLES: Readonly<Record<string, readonly [does: string, what: Trouble]>> = {
  delay: ['each chunk of bytes % comes 150 ms later, both ways', { delayMs: 150 }],
  cut: ['connections % are reset and refused', { refuse: true }],
  stall: ['nothing passes % while connections stay open', { stall: true }],
  corrupt: ['one chunk in 25 % has a byte changed, under TLS', { corrupt: 0.04 }],
};

const BOTH_NODES = ['fs1', 'fs2'];

/** The event socket has no TLS, and its events are told to one agent each: what that one misses its twin has. */
function troubleFaults(): Fault[] {
  return LINKS.flatMap((link) =>
    Object.entries(TROUBLES).map(([name, [does, what]]): Fault => {
      const eventSocket = link === 'agent-freeswitch';
      const oneAgent = eventSocket && name === 'corrupt';
      const where = oneAgent ? 'between one of two agents and the event socket' : ALL_OF[link];
      return {
        name: `${name}-${link}`,
        does: (oneAgent ? does.replace(', under TLS', '') : does).replace('%', where),
        ends: 'the proxy heals',
        world: { links: [link], ...(name === 'corrupt' && !eventSocket ? { tls: true } : {}) },
        seconds: [10, 2],
        allowed: {
          repeats: link === 'notifier-redis' || link === 'endpoint',
          ...(eventSocket && name === 'cut' ? { unseen: BOTH_NODES } : {}),
          ...(oneAgent ? { ghosts: true } : {}),
        },
        strike: trouble(link, what, oneAgent ? 'agent-1a' : undefined),
      };
    }),
  );
}

export const FAULTS: readonly Fault[] = [
  {
    name: 'none',
    does: 'nothing: what a healthy cluster does on this machine',
    ends: 'it has not begun',
    seconds: [5, 1],
    allowed: NOTHING,
    strike: (_, seconds) => pause(seconds),
  },
  {
    name: 'kill-agent',
    does: 'kill -9 of either of the two agents of a node, in turn, at random moments',
    ends: BY_SUPERVISOR,
    seconds: [10, 1],
    allowed: NOTHING,
    strike: killInTurn('agent-1a', 'agent-1b'),
  },
  {
    name: 'kill-twin',
    does: 'kill -9 of one of the two agents of a node, which stays away',
    ends: 'it is started again at the end',
    seconds: [10, 2],
    allowed: NOTHING,
    strike: away('agent-1a'),
  },
  {
    name: 'kill-lone-agent',
    does: 'kill -9 of the only agent of a node while calls go on and end',
    ends: BY_SUPERVISOR,
    seconds: [5, 1],
    allowed: { unseen: ['fs2'] },
    strike: killInTurn('agent-2'),
  },
  {
    name: 'kill-router',
    does: 'kill -9 of one router after the other, at random moments',
    ends: BY_SUPERVISOR,
    seconds: [10, 1],
    allowed: NOTHING,
    strike: killInTurn('router-1', 'router-2'),
  },
  {
    name: 'kill-notifier',
    does: 'kill -9 of one notifier after the other, at random moments',
    ends: BY_SUPERVISOR,
    seconds: [10, 1],
    allowed: REPEATS,
    strike: killInTurn('notifier-1', 'notifier-2'),
  },
  {
    name: 'kill-nats',
    does: 'kill -9 of nats-server',
    ends: 'it is started again with its store after 3 s',
    seconds: [3, 1],
    allowed: NOTHING,
    strike: away('nats', 3),
  },
  {
    name: 'kill-redis',
    does: 'kill -9 of redis-server',
    ends: 'it is started again with its append-only file after 3 s',
    seconds: [3, 1],
    allowed: REPEATS,
    strike: away('redis', 3),
  },
  {
    name: 'freeze-agent',
    does: 'SIGSTOP of one agent of a node after the other, with a liveness probe as in Kubernetes (1 s, 2 failures)',
    ends: 'the probe has it killed, and its supervisor starts it again',
    seconds: [30, 1],
    allowed: NOTHING,
    strike: freezeAgents,
  },
  {
    name: 'freeze-router',
    does: 'SIGSTOP of one router',
    ends: 'SIGCONT',
    seconds: [30, 3],
    allowed: NOTHING,
    strike: freeze('router-1'),
  },
  {
    name: 'freeze-notifier',
    does: 'SIGSTOP of both notifiers, one of which reads the stream',
    ends: 'SIGCONT',
    seconds: [30, 3],
    allowed: REPEATS,
    strike: freeze('notifier-1', 'notifier-2'),
  },
  {
    name: 'freeze-one-notifier',
    does: 'SIGSTOP of one notifier',
    ends: 'SIGCONT',
    seconds: [30, 3],
    allowed: REPEATS,
    strike: freeze('notifier-1'),
  },
  {
    name: 'freeze-nats',
    does: 'SIGSTOP of nats-server',
    ends: 'SIGCONT',
    seconds: [30, 3],
    allowed: NOTHING,
    strike: freeze('nats'),
  },
  {
    name: 'freeze-redis',
    does: 'SIGSTOP of redis-server',
    ends: 'SIGCONT',
    seconds: [30, 3],
    allowed: REPEATS,
    strike: freeze('redis'),
  },
  {
    name: 'rolling-restart',
    does: 'SIGTERM to every notifier, router and agent in turn, each when the one before is ready again',
    ends: BY_SUPERVISOR,
    seconds: [0, 0],
    allowed: { unseen: ['fs2'] },
    strike: restartInTurn,
  },
  {
    name: 'reset-agent-freeswitch',
    does: 'the event socket of one agent after the other is reset',
    ends: 'agents connect again',
    world: { links: ['agent-freeswitch'] },
    seconds: [8, 2],
    allowed: { unseen: ['fs2'] },
    strike: reset('agent-freeswitch', 'agent-1a', 'agent-1b', 'agent-2'),
  },
  {
    name: 'reset-agent-nats',
    does: 'the connection to NATS of one agent after the other is reset',
    ends: 'agents connect again',
    world: { links: ['agent-nats'] },
    seconds: [8, 2],
    allowed: NOTHING,
    strike: reset('agent-nats', 'agent-1a', 'agent-1b', 'agent-2'),
  },
  {
    name: 'reset-notifier-redis',
    does: 'the connections to Redis of one notifier after the other are reset',
    ends: 'notifiers connect again',
    world: { links: ['notifier-redis'] },
    seconds: [8, 2],
    allowed: REPEATS,
    strike: reset('notifier-redis', 'notifier-1', 'notifier-2'),
  },
  {
    name: 'reset-endpoint',
    does: 'all connections to the endpoint are reset, again and again',
    ends: 'routers and notifiers connect again',
    world: { links: ['endpoint'] },
    seconds: [8, 2],
    allowed: REPEATS,
    strike: reset('endpoint', 'endpoint'),
  },
  ...troubleFaults(),
  {
    name: 'nats-away',
    does: 'NATS is not there',
    ends: 'it is started again with its store',
    seconds: [30, 3],
    allowed: NOTHING,
    strike: away('nats'),
  },
  {
    name: 'redis-away',
    does: 'Redis is not there',
    ends: 'it is started again with its append-only file',
    seconds: [30, 3],
    allowed: REPEATS,
    strike: away('redis'),
  },
  {
    name: 'endpoint-down',
    does: 'the endpoint refuses connections',
    ends: 'it listens again',
    seconds: [15, 2],
    allowed: REPEATS,
    strike: async ({ endpoint }, seconds) => {
      await endpoint.down();
      await pause(seconds);
      await endpoint.up();
    },
  },
  {
    name: 'endpoint-slow',
    does: 'the endpoint answers everything after 3 s, later than it may',
    ends: 'it is quick again',
    seconds: [10, 2],
    allowed: REPEATS,
    strike: mood({ slowMs: 3_000 }),
  },
  {
    name: 'endpoint-503',
    does: 'the endpoint answers 503 with Retry-After: 2',
    ends: 'it is well again',
    seconds: [10, 2],
    allowed: NOTHING,
    strike: mood({ retryAfterS: 2 }),
  },
  {
    name: 'freeswitch-crash',
    does: 'a FreeSWITCH node dies without a word and is back at once: its calls are gone',
    ends: 'agents log in again',
    seconds: [3, 1],
    allowed: { unseen: ['fs1'], crashed: ['fs1'] },
    strike: async (world, seconds) => {
      const node = world.switch('fs1');
      await node.crash();
      await node.start();
      await pause(seconds);
    },
  },
  {
    name: 'freeswitch-restart',
    does: 'a FreeSWITCH node hangs up its calls and ends',
    ends: 'it is started again on its port',
    seconds: [5, 1],
    allowed: { unseen: ['fs2'], crashed: ['fs2'] },
    strike: async (world, seconds) => {
      const node = world.switch('fs2');
      await node.stop();
      await pause(seconds);
      await node.start();
    },
  },
  {
    name: 'clock-ahead',
    does: 'the wall clocks of the routers are an hour ahead of those of the agents',
    ends: 'never',
    world: { env: { router: skewed(1) } },
    seconds: [5, 2],
    allowed: NOTHING,
    strike: (_, seconds) => pause(seconds),
  },
  {
    name: 'clock-behind',
    does: 'the wall clocks of the routers are an hour behind those of the agents',
    ends: 'never',
    world: { env: { router: skewed(-1) } },
    seconds: [5, 2],
    allowed: NOTHING,
    strike: (_, seconds) => pause(seconds),
  },
  {
    name: 'jetstream-full',
    does: 'the stream is full and stays so, because Redis does not answer',
    ends: 'Redis answers again',
    world: { env: { notifier: { PROGRESS_MAX_BYTES: '1048576' } } },
    seconds: [15, 3],
    allowed: REPEATS,
    strike: fillStream,
  },
  {
    name: 'redis-full',
    does: 'Redis refuses every write: maxmemory is reached, nothing is evicted',
    ends: 'maxmemory is lifted',
    seconds: [15, 3],
    allowed: REPEATS,
    strike: fillRedis,
  },
];

export const faultNamed = (name: string): Fault | undefined => FAULTS.find((fault) => fault.name === name);

/** Faults of agents and routers, of their wires, and of FreeSWITCH: those to be tried with a real one. */
export const ON_FREESWITCH: ReadonlySet<string> = new Set(
  FAULTS.map(({ name }) => name).filter((name) => /^none$|agent|twin|router|rolling|freeswitch/.test(name)),
);
