import type { DialPlan } from '#libs/contract/plan.ts';
import type { FailurePolicy } from '#libs/dialplan/applications.ts';
import { attemptOf } from './call/attempt.ts';
import { type ChannelData, variable } from './call/channel-data.ts';
import type { AgentConfig } from './config.ts';

const SOCKET_HOSTS = /^[\w.:|[\]-]+$/;

/** The hosts in the dialplan's `socket` action, through which the call can be requested again. */
function socketHosts(data: ChannelData): string | undefined {
  const hosts = variable(data, 'current_application_data');
  return variable(data, 'current_application') === 'socket' && SOCKET_HOSTS.test(hosts) ? hosts : undefined;
}

/** What happens when a target fails. `on_fail: request` ends when MAX_REQUESTS_PER_CALL requests were made. */
export function failurePolicy(data: ChannelData, plan: DialPlan, config: AgentConfig): FailurePolicy {
  const finalCauses = plan.final_causes ?? config.FINAL_CAUSES;
  const attempt = attemptOf(data) + 1;
  const socket = socketHosts(data);
  if (plan.on_fail !== 'request' || socket === undefined || attempt > config.MAX_REQUESTS_PER_CALL)
    return { finalCauses };
  return { finalCauses, nextRequest: { socket, attempt } };
}
