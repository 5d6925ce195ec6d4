import type { BrokerOptions } from './brokers.ts';
import type { Link } from './links.ts';
import type { CreateNode } from './node.ts';

export type Kind = 'agent' | 'router' | 'notifier';
export type Env = Readonly<Record<string, string>>;

export interface ClusterOptions {
  readonly createNode: CreateNode;
  readonly links?: readonly Link[];
  /** Default: one nats-server and one redis-server, `nats` and `redis`. */
  readonly brokers?: BrokerOptions;
  /** Folder with another version of Dialhook, which half of the services are started from. */
  readonly otherVersion?: string;
  /** Use TLS for NATS, Redis and the endpoint. TLS detects every changed byte. */
  readonly tls?: boolean;
  /** Run ON_AGENT_HOST on a host of its own. The chaos process must run in `runOnFreeSwitchHost`. */
  readonly agentHost?: boolean;
  /** Further settings of all services of a kind. */
  readonly env?: Partial<Readonly<Record<Kind, Env>>>;
  /** File for the log lines of all services. */
  readonly log?: string;
}
