import { type Event, text } from '#test/support/freeswitch/event-socket.ts';
import { hangupsOf } from '#test/support/freeswitch/live-calls.ts';
import type { CallTold } from './switch.ts';

type Progress = CallTold['progress'][number];

const CALLED_LEG: Readonly<Record<string, Progress['action']>> = {
  CHANNEL_PROGRESS: 'ring',
  CHANNEL_PROGRESS_MEDIA: 'progress',
  CHANNEL_ANSWER: 'answer',
};
const VARIABLES = ['dialhook_call', 'dialhook_result'];

/** The events from which it is known what became of a call. */
export const TOLD_BY = [
  'CHANNEL_CREATE',
  'CHANNEL_EXECUTE',
  ...Object.keys(CALLED_LEG),
  'CHANNEL_HANGUP_COMPLETE',
];

const named = (event: Event, name: string): string => text(event, name) ?? '';
const sequence = (event: Event): number => Number(named(event, 'Event-Sequence'));

/** What there is to be told of in an event of a leg that Dialhook knows of. */
function progressIn(event: Event): Progress | undefined {
  const leg = named(event, 'Unique-ID');
  const name = named(event, 'Event-Name');
  if (event['variable_dialhook_call'] === undefined) return undefined;
  if (event['Call-Direction'] === 'inbound')
    return name === 'CHANNEL_HANGUP_COMPLETE' ? { leg, action: 'hangup' } : undefined;
  const action = CALLED_LEG[name];
  return action && { leg, action };
}

/** Each once, where it happened first. */
function progressOf(events: readonly Event[]): Progress[] {
  const all = events.flatMap((event) => progressIn(event) ?? []);
  return [...new Map(all.map((one) => [`${one.leg} ${one.action}`, one])).values()];
}

/** What became of a call, from the events of its legs. `lastWord` is why it ended when none of them says so. */
export function toldOf(uuid: string, events: readonly Event[], lastWord: string): CallTold {
  const inOrder = events.toSorted((a, b) => sequence(a) - sequence(b));
  const ofCaller = inOrder.filter((event) => event['Unique-ID'] === uuid);
  const last = ofCaller.at(-1) ?? {};
  const { hangup } = hangupsOf(ofCaller);
  return {
    cause: hangup ? named(hangup, 'Hangup-Cause') : lastWord,
    applications: ofCaller
      .filter((event) => event['Event-Name'] === 'CHANNEL_EXECUTE')
      .map((event) => ({ name: named(event, 'Application'), data: named(event, 'Application-Data') })),
    variables: Object.fromEntries(
      VARIABLES.flatMap((name) => {
        const value = text(last, `variable_${name}`);
        return value === undefined ? [] : [[name, value]];
      }),
    ),
    progress: progressOf(inOrder),
    ...(hangup ? {} : { partial: true }),
  };
}
