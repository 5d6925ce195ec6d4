import { DEFAULT_FINAL_CAUSES } from '#libs/contract/decision.ts';
import type { EndpointRequest } from '#libs/contract/endpoint.ts';
import type { Leg, Plan } from '#libs/contract/plan.ts';
import { acceptanceOf } from '#libs/dialplan/acceptance.ts';
import { policyOf } from '#libs/dialplan/after-failure.ts';
import {
  announcementOf,
  collectionApplications,
  dialApplications,
  hangupApplications,
} from '#libs/dialplan/applications.ts';
import type { DialableGroup } from '#libs/dialplan/bridge.ts';
import { readDigitsApplications } from '#libs/dialplan/collect.ts';
import { durationLimitOf } from '#libs/dialplan/duration.ts';
import { recordingOf } from '#libs/dialplan/recording.ts';
import { reportingSettings } from '#libs/dialplan/reporting.ts';
import { callerOf } from './shown.ts';

const SOCKET = '<the hosts of the dialplan>';

const DECIDED = { result: 'decided' } as const;

/** Only FreeSWITCH knows the devices of a user: the preview shows a placeholder. */
const placeholder = (leg: Leg): DialableGroup['legs'][number] => {
  if ('endpoint' in leg) return leg;
  const user = `${leg.user}@${leg.domain ?? 'DOMAIN'}`;
  return { ...leg, endpoint: `<${leg.number} at each device of ${user}>` };
};

/** Only the agent knows the paths of sounds. */
const placeholderSound = (name: string): string => `<sound ${name}>`;

/** Only the agent knows where recordings are. */
const placeholderFile = (leg: number) => ({ path: `<recording ${leg}>`, name: `<recording ${leg}>` });

/** The applications that FreeSWITCH would get, in order, each as in a dialplan. */
export function preview(plan: Plan, request: EndpointRequest): string[] {
  const { attempt } = request;
  const lines = (all: readonly { name: string; data: string }[]) =>
    all.map(({ name, data }) => `${name} ${data}`.trim());
  const reporting = reportingSettings(plan, () => '');
  if ('hangup' in plan) {
    const announcement = announcementOf(plan, placeholderSound);
    return lines(hangupApplications(plan.hangup, DECIDED, attempt, reporting.settings, announcement));
  }
  if ('collect' in plan)
    return lines(
      collectionApplications({
        applications: readDigitsApplications(plan.collect, placeholderSound, SOCKET),
        outcome: DECIDED,
        attempt,
        settings: {},
        reporting,
        undo: '',
      }),
    );
  return lines(
    dialApplications({
      groups: plan.groups.map(({ variables, legs }) => ({ variables, legs: legs.map(placeholder) })),
      plan,
      caller: callerOf(request),
      exported: {},
      outcome: DECIDED,
      attempt,
      settings: {},
      reporting,
      ringback: plan.ringback === undefined ? undefined : `<ringback ${plan.ringback}>`,
      duration: durationLimitOf(plan, placeholderSound),
      acceptance: acceptanceOf(plan, placeholderSound),
      recording: recordingOf(plan, placeholderFile, placeholderSound),
      undo: '',
      bridgeExports: '',
      policy: policyOf(plan, DEFAULT_FINAL_CAUSES, SOCKET, true),
    }),
  );
}
