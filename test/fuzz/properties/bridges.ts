import type { DialPlan, Group } from '#libs/contract/plan.ts';
import { calledVariables, type Dial, type DialableGroup } from '#libs/dialplan/applications.ts';
import { endpointsOfContacts } from '#libs/dialplan/contacts.ts';
import { groupVariables, legVariables, telVariables } from '#libs/dialplan/leg-variables.ts';
import { isPlain } from '#libs/dialplan/settings.ts';
import { kept, sorted } from '../property.ts';

/** A caller number without a name of its own is its own name. */
function named(variables: Readonly<Record<string, string>>): Record<string, string> {
  const number = variables['origination_caller_id_number'];
  return number === undefined ? { ...variables } : { origination_caller_id_name: number, ...variables };
}

/** The bridges of a plan, without dial strings: what FreeSWITCH must parse. */
export function expectedBridges(dial: Dial) {
  const called = Object.entries(calledVariables(dial));
  const exported = Object.fromEntries(called.filter(([, value]) => !isPlain(value)));
  const inBraces = Object.fromEntries(called.filter(([, value]) => isPlain(value)));
  return dial.groups.map((group) => [
    sorted(
      group.legs.map((leg) => ({
        endpoint: leg.endpoint,
        variables: [
          named(leg.variables),
          legVariables(leg),
          telVariables(leg),
          exported,
          groupVariables(group.legs),
          inBraces,
          named(group.variables),
        ].reduce<Record<string, string>>((all, some) => kept(all, some), {}),
      })),
    ),
  ]);
}

export const resolveUsers = (plan: DialPlan, contacts: string): DialableGroup[] =>
  plan.groups
    .map((group: Group) => ({
      variables: group.variables,
      legs: group.legs.flatMap((leg) =>
        'endpoint' in leg
          ? [leg]
          : endpointsOfContacts(contacts, leg.number).map((endpoint) => ({ ...leg, endpoint })),
      ),
    }))
    .filter(({ legs }) => legs.length > 0);
