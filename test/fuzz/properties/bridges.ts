import type { DialPlan, Group } from '#libs/contract/plan.ts';
import { acceptanceVariables } from '#libs/dialplan/acceptance.ts';
import { calledVariables, type Dial } from '#libs/dialplan/applications.ts';
import type { DialableGroup } from '#libs/dialplan/bridge.ts';
import { endpointsOfContacts } from '#libs/dialplan/contacts.ts';
import { durationHooks, durationVariables } from '#libs/dialplan/duration.ts';
import { groupVariables, legVariables, placeVariables, telVariables } from '#libs/dialplan/leg-variables.ts';
import { callerShown, isCallerChosen, takeCallerId, withoutCaller } from '#libs/dialplan/presentation.ts';
import { recordingVariables } from '#libs/dialplan/recording.ts';
import { isPlain } from '#libs/dialplan/settings.ts';
import { kept, sorted } from '../property.ts';

/** The bridges of a plan, without dial strings: what FreeSWITCH must parse. */
export function expectedBridges(dial: Dial) {
  const called = Object.entries(calledVariables(dial));
  const exported = Object.fromEntries(called.filter(([, value]) => !isPlain(value)));
  const inBraces = Object.fromEntries(called.filter(([, value]) => isPlain(value)));
  const accepts = dial.acceptance !== undefined;
  const { caller_id } = dial.plan;
  const { settings, exports } = dial.reporting;
  const reported = Object.fromEntries(exports.map((name) => [name, settings[name] ?? '']));
  const own = (variables: Readonly<Record<string, string>>) => takeCallerId({ ...variables });
  return dial.groups.map((group, at) => {
    const before = dial.groups.slice(0, at).flatMap(({ legs }) => legs).length;
    const ofGroup = own(group.variables);
    const isByLeg =
      ofGroup.id === undefined &&
      !isCallerChosen(caller_id) &&
      group.legs.some((leg) => own(leg.variables).id);
    return [
      sorted(
        group.legs.map((leg, index) => {
          const id = isByLeg ? own(leg.variables).id : ofGroup.id;
          const isOwn = isByLeg || ofGroup.id !== undefined;
          return {
            endpoint: leg.endpoint,
            variables: [
              own(leg.variables).rest,
              legVariables(leg, accepts),
              durationVariables(dial.duration, accepts),
              recordingVariables(dial.recording, before + index + 1, group.legs.length === 1 && !accepts),
              telVariables(leg),
              placeVariables(leg),
              exported,
              reported,
              groupVariables(group.legs, {
                earlyMedia: dial.plan.early_media,
                acceptS: dial.acceptance?.timeout,
              }),
              acceptanceVariables(dial.acceptance, dial.duration === undefined ? [] : durationHooks(accepts)),
              isOwn ? withoutCaller(inBraces) : inBraces,
              isOwn ? callerShown(dial.caller, { ...caller_id, ...id }) : {},
              ofGroup.rest,
            ].reduce<Record<string, string>>((all, some) => kept(all, some), {}),
          };
        }),
      ),
    ];
  });
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
