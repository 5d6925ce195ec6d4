import type { DialPlan, Group } from '#libs/contract/plan.ts';
import type { DialableGroup } from '#libs/dialplan/applications.ts';
import { endpointsOfContacts } from '#libs/dialplan/contacts.ts';
import { kept, sorted } from '../property.ts';

/** The bridges of a plan, without dial strings: what FreeSWITCH must parse. */
export const expectedBridges = (
  groups: readonly DialableGroup[],
  exported: Readonly<Record<string, string>>,
) =>
  groups.map((group) => [
    sorted(
      group.legs.map((leg) => ({
        endpoint: leg.endpoint,
        variables: {
          ...kept({}, leg.variables, false),
          ...kept({}, exported, true),
          ...kept({}, group.variables, false),
        },
      })),
    ),
  ]);

export const resolveUsers = (plan: DialPlan, contacts: string): DialableGroup[] =>
  plan.groups
    .map((group: Group) => ({
      variables: group.variables,
      legs: group.legs.flatMap((leg) =>
        'endpoint' in leg
          ? [leg]
          : endpointsOfContacts(contacts, leg.number).map((endpoint) => ({
              endpoint,
              variables: leg.variables,
            })),
      ),
    }))
    .filter(({ legs }) => legs.length > 0);
