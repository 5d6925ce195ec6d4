import type { ChaosCluster } from './cluster.ts';
import type { ClusterOptions } from './cluster-options.ts';

/** What a fault may affect. Everything else must be as without the fault. */
export interface Allowed {
  /** Notifications may be delivered twice. */
  readonly repeats?: boolean;
  /**
   * Nodes that may have no connected agent for a while. Notifications of called legs may be missing then, but every
   * hangup must be delivered.
   */
  readonly unobserved?: readonly string[];
  /** A corrupted event may lead to a notification of something that did not happen. */
  readonly ghosts?: boolean;
  /** Longest time of a call in the application `socket`, in ms. Default: the call's timeouts and a margin. */
  readonly socketMs?: number;
  /** Nodes that end their calls by crashing or shutting down. */
  readonly crashed?: readonly string[];
}

export interface Fault {
  readonly name: string;
  readonly does: string;
  readonly ends: string;
  readonly allowed: Allowed;
  /** What the cluster must be like for it. */
  readonly cluster?: Pick<ClusterOptions, 'links' | 'tls' | 'env' | 'brokers' | 'agentHost'>;
  /** One agent, one router and one notifier are of an earlier version. */
  readonly twoVersions?: boolean;
  /** Duration in seconds, in the full matrix and in its short form. */
  readonly seconds: readonly [long: number, short: number];
  /** Injects the fault for `seconds` and reverts what no supervisor reverts. */
  readonly inject: (cluster: ChaosCluster, seconds: number) => Promise<void>;
}
