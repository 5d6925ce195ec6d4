import { type FailurePolicy, policyOf } from '#libs/dialplan/after-failure.ts';
import { type ChannelData, variable } from './call/channel-data.ts';
import { attemptOf } from './call/entry.ts';
import type { AgentConfig } from './config.ts';

const SOCKET_HOSTS = /^[\w.:|[\]-]+$/;

/** The hosts in the dialplan's `socket` action, through which the agent is entered again. */
export function socketHosts(data: ChannelData): string | undefined {
  const hosts = variable(data, 'current_application_data');
  return variable(data, 'current_application') === 'socket' && SOCKET_HOSTS.test(hosts) ? hosts : undefined;
}

/** The failure policy of a decision about a call. No further request follows when MAX_REQUESTS_PER_CALL requests were made. */
export function failurePolicy(
  data: ChannelData,
  plan: Parameters<typeof policyOf>[0],
  config: Pick<AgentConfig, 'FINAL_CAUSES' | 'MAX_REQUESTS_PER_CALL'>,
): FailurePolicy {
  const socket = socketHosts(data);
  const mayRequest = socket !== undefined && attemptOf(data) < config.MAX_REQUESTS_PER_CALL;
  return policyOf(plan, config.FINAL_CAUSES, socket, mayRequest);
}
