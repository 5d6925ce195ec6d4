type Env = Readonly<Record<string, string>>;

/** The agent that can have a host of its own, and whose links the faults of this host impair. */
export const ON_AGENT_HOST = 'agent-1a';
/** The node of each agent. */
export const AGENTS: Readonly<Record<string, string>> = {
  'agent-1a': 'fs1',
  'agent-1b': 'fs1',
  'agent-2': 'fs2',
};
export const NODES = [...new Set(Object.values(AGENTS))];
export const ROUTERS = ['router-1', 'router-2'];
export const NOTIFIERS = ['notifier-1', 'notifier-2'];
/** Services of another version in a cluster with two versions. */
export const OTHER_VERSION: ReadonlySet<string> = new Set(['agent-1b', 'router-2', 'notifier-2']);

/** Retries often enough for a short run, and for longer than the longest fault. */
export const NOTIFIER_ENV: Env = {
  NOTIFY_CONNECT_TIMEOUT_MS: '1000',
  NOTIFY_RESPONSE_TIMEOUT_MS: '2000',
  RETRY_SCHEDULE_MS: ['300', '700', '1000', ...Array.from({ length: 29 }, () => '2000')].join(','),
};

/** Reconcile soon enough that a run still waits for the synthesized hangup. */
export const AGENT_ENV: Env = {
  RECONCILE_INTERVAL_MS: '5000',
  RECONCILE_CONFIRM_MS: '2000',
  RECONCILE_RESTART_WAIT_MS: '0',
};
