import { GLOBAL_FAILURE_CAUSES } from '#libs/contract/causes.ts';
import type { Leg, Plan } from '#libs/contract/plan.ts';
import {
  type DialableGroup,
  dialApplications,
  type FailurePolicy,
  hangupApplications,
} from '#libs/dialplan/applications.ts';

const DECIDED = { result: 'decided' } as const;

/** Only FreeSWITCH knows the devices of a user: the preview shows a placeholder. */
const placeholder = (leg: Leg): DialableGroup['legs'][number] => {
  if ('endpoint' in leg) return leg;
  const user = `${leg.user}@${leg.domain ?? 'DOMAIN'}`;
  return { endpoint: `<${leg.number} at each device of ${user}>`, variables: leg.variables };
};

/** The applications that FreeSWITCH would get, in order, each as in a dialplan. */
export function preview(plan: Plan, attempt: number): string[] {
  const lines = (all: readonly { name: string; data: string }[]) =>
    all.map(({ name, data }) => `${name} ${data}`.trim());
  if ('hangup' in plan) return lines(hangupApplications(plan.hangup, DECIDED));
  const groups = plan.groups.map(({ variables, legs }) => ({ variables, legs: legs.map(placeholder) }));
  const policy: FailurePolicy = {
    finalCauses: plan.final_causes ?? GLOBAL_FAILURE_CAUSES,
    ...(plan.on_fail === 'request'
      ? { again: { socket: '<the hosts of the dialplan>', attempt: attempt + 1 } }
      : {}),
  };
  return lines(dialApplications(groups, plan.variables, DECIDED, policy));
}
