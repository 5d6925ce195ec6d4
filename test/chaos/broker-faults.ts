import type { Fault } from './fault.ts';
import { failOverRedis, freeze, killStreamLeader, restartNatsInTurn, stopped } from './fault-actions.ts';

const BY_SUPERVISOR = 'its supervisor restarts it after 1 s';
/** With the default of 0 a failover may lose what only the primary had. */
const REPLICATED = { notifier: { REDIS_WAIT_REPLICAS: '1' } } as const;
const NATS_CLUSTER = { brokers: { nats: 'cluster' } } as const;

/** Faults of brokers as operators run them. */
export const BROKER_FAULTS: readonly Fault[] = [
  {
    name: 'nats-kill-leader',
    does: 'kill -9 of the leader of the progress stream, of three NATS servers, again and again',
    ends: BY_SUPERVISOR,
    cluster: NATS_CLUSTER,
    seconds: [15, 1],
    allowed: {},
    inject: killStreamLeader,
  },
  {
    name: 'nats-rolling-restart',
    does: 'SIGTERM to each of three NATS servers in turn, each when all services are ready again',
    ends: BY_SUPERVISOR,
    cluster: NATS_CLUSTER,
    seconds: [0, 0],
    allowed: {},
    inject: restartNatsInTurn,
  },
  {
    name: 'nats-two-away',
    does: 'two of three NATS servers are down: JetStream has no leader',
    ends: 'they are restarted with their stores',
    cluster: NATS_CLUSTER,
    seconds: [20, 3],
    allowed: {},
    inject: async (cluster, seconds) => {
      await Promise.all([stopped('nats-2')(cluster, seconds), stopped('nats-3')(cluster, seconds)]);
    },
  },
  {
    name: 'nats-one-hangs',
    does: 'SIGSTOP of one of three NATS servers',
    ends: 'SIGCONT',
    cluster: NATS_CLUSTER,
    seconds: [20, 3],
    allowed: {},
    inject: freeze('nats-1'),
  },
  {
    name: 'redis-sentinel-failover',
    does: 'kill -9 of the primary, which Sentinel replaces',
    ends: 'it is restarted and becomes the replica',
    cluster: { brokers: { redis: 'sentinel' }, env: REPLICATED },
    seconds: [10, 3],
    allowed: { repeats: true },
    inject: failOverRedis,
  },
  {
    name: 'redis-name-failover',
    does: 'the name of Redis gets the address of the replica; the old primary is demoted and keeps its connections',
    ends: 'the replica is the primary',
    cluster: { brokers: { redis: 'name' }, env: REPLICATED },
    seconds: [10, 3],
    allowed: { repeats: true },
    inject: failOverRedis,
  },
  {
    name: 'redis-cluster-failover',
    does: 'kill -9 of one of three primaries of a Redis Cluster',
    ends: 'it is restarted and becomes the replica',
    cluster: { brokers: { redis: 'cluster' }, env: REPLICATED },
    seconds: [10, 3],
    allowed: { repeats: true },
    inject: failOverRedis,
  },
];
