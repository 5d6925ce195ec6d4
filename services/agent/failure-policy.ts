import type { DialPlan } from '#libs/contract/plan.ts';
import type { FailurePolicy } from '#libs/dialplan/applications.ts';
import { type ChannelData, variable } from './call/channel-data.ts';
import type { AgentConfig } from './config.ts';
import { attemptOf } from './endpoint-request.ts';

const SOCKET_HOSTS = /^[\w.:|[\]-]+$/;

/** The hosts that the dialplan gave to `socket`, by which the call can come back. */
function socketHosts(data: ChannelData): string | undefined {
  const hosts = variable(data, 'current_application_data');
  return variable(data, 'current_application') === 'socket' && SOCKET_HOSTS.test(hosts) ? hosts : undefined;
}

/** How this call goes on when a target fails. A call is asked about MAX_REQUESTS_PER_CALL times at most. */
export function failurePolicy(data: ChannelData, plan: DialPlan, config: AgentConfig): FailurePolicy {
  const finalCauses = plan.final_causes ?? config.FINAL_CAUSES;
  const attempt = attemptOf(data) + 1;
  const socket = socketHosts(data);
  if (plan.on_fail !== 'request' || socket === undefined || attempt > config.MAX_REQUESTS_PER_CALL)
    return { finalCauses };
  return { finalCauses, again: { socket, attempt } };
}
