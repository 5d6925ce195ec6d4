import type { DialPlan, Group } from '#libs/contract/plan.ts';
import { calledVariables, type Dial, type DialableGroup } from '#libs/dialplan/applications.ts';
import { endpointsOfContacts } from '#libs/dialplan/contacts.ts';
import { groupVariables, legVariables, telVariables } from '#libs/dialplan/leg-variables.ts';
import { isPlain } from '#libs/dialplan/settings.ts';
import { kept, sorted } from '../property.ts';

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
          leg.variables,
          legVariables(leg),
          telVariables(leg),
          exported,
          groupVariables(group.legs),
          inBraces,
          group.variables,
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
