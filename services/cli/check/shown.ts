import type { CallerId } from '#libs/contract/decision.ts';
import type { EndpointRequest } from '#libs/contract/endpoint.ts';
import type { Plan } from '#libs/contract/plan.ts';
import {
  type CallerFacts,
  callerIdsOf,
  callerShown,
  presentation,
  WITHHELD,
} from '#libs/dialplan/presentation.ts';

/** The number that one party is shown of the other. */
export interface Shown {
  readonly number: string;
  /** With `privacy` `id`: the number that only the network of the called party gets. */
  readonly network?: string;
}

/** To the called parties: each number once, in the order of the targets. */
export interface ShownNumbers {
  readonly to_caller: Shown;
  readonly to_called: readonly Shown[];
}

export const callerOf = (request: EndpointRequest): CallerFacts => ({
  number: request.caller_id_number,
  name: request.caller_id_name,
  withheld: request.caller_id_withheld,
  asserted: request.asserted_number,
  dialled: request.destination_number,
});

/** The number that each party is shown; undefined for a plan that dials no target. */
export function shownNumbers(plan: Plan, request: EndpointRequest): ShownNumbers | undefined {
  if (!('groups' in plan)) return undefined;
  const caller = callerOf(request);
  const toCalled = (id: CallerId | undefined): Shown => {
    const { origination_caller_id_number: number = caller.number, sip_cid_type } = callerShown(caller, id);
    return sip_cid_type === 'pid' ? { number: WITHHELD.number, network: number } : { number };
  };
  const called = plan.groups.flatMap((group) => callerIdsOf(group, plan.caller_id)).map(toCalled);
  const different = new Map(called.map((one) => [JSON.stringify(one), one]));
  const { initial_callee_id_number: number = '' } = presentation(caller, plan).callerDisplay;
  return { to_caller: { number }, to_called: [...different.values()] };
}
