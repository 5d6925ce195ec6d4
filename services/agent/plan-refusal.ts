import type { Plan } from '#libs/contract/plan.ts';
import type { VariablePolicy } from '#libs/contract/refused-variables.ts';
import { refusedVariable } from '#libs/dialplan/plan.ts';
import type { AgentConfig } from './config.ts';
import { limitProblem } from './limits/wanted-places.ts';

/** Why this agent refuses a plan that a router has accepted: it may have other settings. undefined: it does not. */
export function refusalOf(
  plan: Plan,
  mayBeSet: VariablePolicy,
  {
    REDIRECT_ALLOWED_HOSTS: hosts,
    LIMITS,
    RECORDINGS,
  }: Pick<AgentConfig, 'REDIRECT_ALLOWED_HOSTS' | 'LIMITS' | 'RECORDINGS'>,
): string | undefined {
  const refused = refusedVariable(plan, mayBeSet);
  if (refused !== undefined) return `variables: ${refused} is not among this agent's ALLOWED_VARIABLES`;
  if (!('groups' in plan)) return undefined;
  if (plan.record !== undefined && RECORDINGS === undefined)
    return "record: needs the agent's setting RECORDINGS, the path of recordings, which is not set";
  return plan.on_redirect === 'follow' && hosts.length === 0
    ? "on_redirect: follow needs the agent's setting REDIRECT_ALLOWED_HOSTS, which is empty"
    : limitProblem(plan.limit, LIMITS);
}
