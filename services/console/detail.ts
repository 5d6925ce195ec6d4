import type { CallDetail } from '#libs/contract/console.ts';
import { notificationId } from '#libs/contract/endpoint.ts';
import type { TimelineStep } from '#libs/contract/timeline.ts';
import { traceId } from '#libs/telemetry/call-ids.ts';
import { summaryOf } from './call-record.ts';

type Step<S extends TimelineStep['step']> = Extract<TimelineStep, { step: S }>;
type Decision = CallDetail['decisions'][number];

/** One decision for each attempt: its steps begin with `received` and end with `decided`. */
function decisionsOf(steps: readonly TimelineStep[]): Decision[] {
  const decisions: {
    request?: Decision['request'];
    requested: Step<'requested'>[];
    decided?: Step<'decided'>;
  }[] = [];
  const open = () => {
    const last = decisions.at(-1);
    if (last !== undefined && last.decided === undefined) return last;
    const fresh = { requested: [] };
    decisions.push(fresh);
    return fresh as (typeof decisions)[number];
  };
  for (const step of steps) {
    if (step.step === 'received') decisions.push({ request: step.request, requested: [] });
    if (step.step === 'requested') open().requested.push(step);
    if (step.step === 'decided') open().decided = step;
  }
  return decisions;
}

function notificationsOf(steps: readonly TimelineStep[]): CallDetail['notifications'] {
  const all = new Map<string, CallDetail['notifications'][number]>();
  const of = (id: string) => {
    const known = all.get(id) ?? { id, state: 'published' as const, attempts: [] };
    all.set(id, known);
    return known;
  };
  for (const step of steps) {
    if (step.step === 'published') of(notificationId(step.notification)).notification = step.notification;
    if (step.step !== 'attempted') continue;
    const one = of(step.notification);
    one.attempts.push(step);
    one.state = step.outcome;
  }
  return [...all.values()];
}

const traceUrl = (template: string, uuid: string): string =>
  template.replaceAll('{trace_id}', traceId(uuid)).replaceAll('{uuid}', encodeURIComponent(uuid));

/** The API's answer for one call. @returns undefined without any step. */
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
