import type { CallDetail } from '#libs/contract/console.ts';
import { notificationId } from '#libs/contract/endpoint.ts';
import type { TimelineStep } from '#libs/contract/timeline.ts';
import { traceId } from '#libs/telemetry/call-ids.ts';
import { summaryOf } from './calls.ts';

type Step<S extends TimelineStep['step']> = Extract<TimelineStep, { step: S }>;
type Decision = CallDetail['decisions'][number];

/** Each time that the call is asked about begins with `taken` and ends with `decided`. */
function decisionsOf(steps: readonly TimelineStep[]): Decision[] {
  const decisions: { request?: Decision['request']; asked: Step<'asked'>[]; decided?: Step<'decided'> }[] =
    [];
  const open = () => {
    const last = decisions.at(-1);
    if (last !== undefined && last.decided === undefined) return last;
    const fresh = { asked: [] };
    decisions.push(fresh);
    return fresh as (typeof decisions)[number];
  };
  for (const step of steps) {
    if (step.step === 'taken') decisions.push({ request: step.request, asked: [] });
    if (step.step === 'asked') open().asked.push(step);
    if (step.step === 'decided') open().decided = step;
  }
  return decisions;
}

function notificationsOf(steps: readonly TimelineStep[]): CallDetail['notifications'] {
  const all = new Map<string, CallDetail['notifications'][number]>();
  const of = (id: string) => {
    const known = all.get(id) ?? { id, state: 'told' as const, attempts: [] };
    all.set(id, known);
    return known;
  };
  for (const step of steps) {
    if (step.step === 'told') of(notificationId(step.notification)).notification = step.notification;
    if (step.step !== 'attempted') continue;
    const one = of(step.notification);
    one.attempts.push(step);
    one.state = step.outcome;
  }
  return [...all.values()];
}

const traceUrl = (template: string, uuid: string): string =>
  template.replaceAll('{trace_id}', traceId(uuid)).replaceAll('{uuid}', encodeURIComponent(uuid));

/** All that is known of one call; undefined when that is nothing. */
export function detailOf(
  timeline: readonly TimelineStep[],
  template: string | undefined,
): CallDetail | undefined {
  const steps = timeline.toSorted((a, b) => Date.parse(a.time) - Date.parse(b.time));
  const call = summaryOf(steps);
  if (call === undefined) return undefined;
  return {
    call,
    trace_id: traceId(call.uuid),
    ...(template === undefined ? {} : { trace_url: traceUrl(template, call.uuid) }),
    decisions: decisionsOf(steps),
    notifications: notificationsOf(steps),
    steps,
  };
}
