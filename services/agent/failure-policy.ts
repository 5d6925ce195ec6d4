import type { DialPlan } from '#libs/contract/plan.ts';
import type { FailurePolicy } from '#libs/dialplan/applications.ts';
import { type ChannelData, variable } from './call/channel-data.ts';
import { attemptOf } from './call/entry.ts';
import type { AgentConfig } from './config.ts';

const SOCKET_HOSTS = /^[\w.:|[\]-]+$/;

/** The hosts in the dialplan's `socket` action, through which the agent is entered again. */
function socketHosts(data: ChannelData): string | undefined {
  const hosts = variable(data, 'current_application_data');
  return variable(data, 'current_application') === 'socket' && SOCKET_HOSTS.test(hosts) ? hosts : undefined;
}

/** What happens when a target fails. No further request follows when MAX_REQUESTS_PER_CALL requests were made. */
export function failurePolicy(
  data: ChannelData,
  plan: Pick<DialPlan, 'final_causes' | 'on_fail' | 'on_redirect'>,
  config: Pick<AgentConfig, 'FINAL_CAUSES' | 'MAX_REQUESTS_PER_CALL'>,
): FailurePolicy {
  const socket = socketHosts(data);
  const mayRequest = socket !== undefined && attemptOf(data) < config.MAX_REQUESTS_PER_CALL;
  return {
    finalCauses: plan.final_causes ?? config.FINAL_CAUSES,
    requestAgain: plan.on_fail === 'request' && mayRequest,
    onRedirect: mayRequest ? plan.on_redirect : 'fail',
    socket,
  };
}
