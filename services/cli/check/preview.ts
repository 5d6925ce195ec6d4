import { DEFAULT_FINAL_CAUSES } from '#libs/contract/decision.ts';
import type { EndpointRequest } from '#libs/contract/endpoint.ts';
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
  return { ...leg, endpoint: `<${leg.number} at each device of ${user}>` };
};

/** The applications that FreeSWITCH would get, in order, each as in a dialplan. */
export function preview(plan: Plan, request: EndpointRequest): string[] {
  const { attempt } = request;
  const lines = (all: readonly { name: string; data: string }[]) =>
    all.map(({ name, data }) => `${name} ${data}`.trim());
  if ('hangup' in plan) return lines(hangupApplications(plan.hangup, DECIDED, attempt));
  const policy: FailurePolicy = {
    finalCauses: plan.final_causes ?? [...DEFAULT_FINAL_CAUSES],
    requestAgain: plan.on_fail === 'request',
    onRedirect: plan.on_redirect,
    socket: '<the hosts of the dialplan>',
  };
  return lines(
    dialApplications({
      groups: plan.groups.map(({ variables, legs }) => ({ variables, legs: legs.map(placeholder) })),
      plan,
      caller: {
        number: request.caller_id_number,
        name: request.caller_id_name,
        withheld: request.caller_id_withheld,
        asserted: request.asserted_number,
        dialled: request.destination_number,
      },
      exported: {},
      outcome: DECIDED,
      attempt,
      settings: {},
      undo: '',
      policy,
    }),
  );
}
