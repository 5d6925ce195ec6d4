import { type Event, text } from '#test/support/freeswitch/event-socket.ts';
import { hangupsOf } from '#test/support/freeswitch/live-calls.ts';
import type { ObservedCall } from './node.ts';

type Progress = ObservedCall['progress'][number];

const CALLED_LEG: Readonly<Record<string, Progress['action']>> = {
  CHANNEL_PROGRESS: 'ring',
  CHANNEL_PROGRESS_MEDIA: 'progress',
  CHANNEL_ANSWER: 'answer',
};
const VARIABLES = ['dialhook_call', 'dialhook_result'];

/** The events that `observedCall` reads. */
export const OBSERVED_EVENTS = [
  'CHANNEL_CREATE',
  'CHANNEL_EXECUTE',
  ...Object.keys(CALLED_LEG),
  'CHANNEL_HANGUP_COMPLETE',
];

const field = (event: Event, name: string): string => text(event, name) ?? '';
const sequence = (event: Event): number => Number(field(event, 'Event-Sequence'));

/** The notification that an event of a tagged channel must lead to. */
function progressIn(event: Event): Progress | undefined {
  const leg = field(event, 'Unique-ID');
  const name = field(event, 'Event-Name');
  if (event['variable_dialhook_call'] === undefined) return undefined;
  if (event['Call-Direction'] === 'inbound')
    return name === 'CHANNEL_HANGUP_COMPLETE' ? { leg, action: 'hangup' } : undefined;
  const action = CALLED_LEG[name];
  return action && { leg, action };
}

/** Each notification once, in the order of its first event. */
function progressOf(events: readonly Event[]): Progress[] {
  const all = events.flatMap((event) => progressIn(event) ?? []);
  return [...new Map(all.map((one) => [`${one.leg} ${one.action}`, one])).values()];
}

/** Builds the record of a call from the events of its legs. `lastCause` is its hangup cause if no event has one. */
export function observedCall(uuid: string, events: readonly Event[], lastCause: string): ObservedCall {
  const ordered = events.toSorted((a, b) => sequence(a) - sequence(b));
  const callerEvents = ordered.filter((event) => event['Unique-ID'] === uuid);
  const last = callerEvents.at(-1) ?? {};
  const { hangup } = hangupsOf(callerEvents);
  return {
    cause: hangup ? field(hangup, 'Hangup-Cause') : lastCause,
    applications: callerEvents
      .filter((event) => event['Event-Name'] === 'CHANNEL_EXECUTE')
      .map((event) => ({ name: field(event, 'Application'), data: field(event, 'Application-Data') })),
    variables: Object.fromEntries(
      VARIABLES.flatMap((name) => {
        const value = text(last, `variable_${name}`);
        return value === undefined ? [] : [[name, value]];
      }),
    ),
    progress: progressOf(ordered),
    ...(hangup ? {} : { partial: true }),
  };
}
