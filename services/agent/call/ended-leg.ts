import { CALL_VARIABLE } from '#libs/dialplan/applications.ts';
import type { FreeSwitchEvent } from '#libs/esl/inbound.ts';
import { channelTime, header, nodeName, variable } from './channel-data.ts';

/** When a called leg was created, rang, was answered and ended, by FreeSWITCH's clock. */
export interface EndedLeg {
  readonly uuid: string;
  readonly leg: string;
  readonly node: string;
  readonly number: string;
  readonly cause: string;
  readonly start: Date;
  readonly end: Date;
  readonly events: readonly { readonly name: 'ring' | 'progress' | 'answer'; readonly time: Date }[];
}

const MOMENTS = [
  ['ring', 'Progress'],
  ['progress', 'Progress-Media'],
  ['answer', 'Answered'],
] as const;

/** The called leg that an event says has ended; undefined for other events and for legs of other calls. */
export function endedLeg(event: FreeSwitchEvent, configuredNode: string | undefined): EndedLeg | undefined {
  const uuid = variable(event, CALL_VARIABLE);
  const leg = header(event, 'Unique-ID');
  const ended = header(event, 'Event-Name') === 'CHANNEL_HANGUP_COMPLETE';
  if (!ended || uuid === '' || leg === '' || leg === uuid) return undefined;
  const millis = (moment: string) => channelTime(event, moment) / 1000;
  const [start, end] = [millis('Created'), millis('Hangup')];
  if (!(start > 0 && end >= start)) return undefined;
  const events = MOMENTS.flatMap(([name, moment]) => {
    const time = millis(moment);
    return time > 0 ? [{ name, time: new Date(time) }] : [];
  });
  return {
    uuid,
    leg,
    node: nodeName(event, configuredNode),
    number: header(event, 'Caller-Destination-Number'),
    cause: header(event, 'Hangup-Cause'),
    start: new Date(start),
    end: new Date(end),
    events: events.toSorted((a, b) => a.time.getTime() - b.time.getTime()),
  };
}
