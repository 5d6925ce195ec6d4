import { maskNumber } from '#libs/telemetry/numbers.ts';
import { emitCallSpan, emitLegSpan } from '#libs/telemetry/tracing.ts';
import type { LegEvent } from './call/leg-event.ts';
import type { CallEvent } from './call/notification.ts';

const shown = (number: string, masked: boolean): string => (masked ? maskNumber(number) : number);

/** The span of a call, from its hangup. Other notifications are ignored. */
export function callSpan({ notification, callStart }: CallEvent, masked: boolean): void {
  if (notification.action !== 'hangup') return;
  const { uuid, node, destination_number, cause } = notification;
  const { result, recovered } = notification.recovered
    ? { result: undefined, recovered: true }
    : { result: notification.result, recovered: false };
  emitCallSpan(uuid, {
    start: new Date(callStart),
    end: new Date(notification.time),
    error: result === 'decided' ? undefined : result,
    attributes: {
      'dialhook.call': uuid,
      'dialhook.node': node,
      'dialhook.destination': shown(destination_number, masked),
      'dialhook.cause': cause,
      ...(result === undefined ? {} : { 'dialhook.result': result }),
      ...(recovered ? { 'dialhook.recovered': true } : {}),
    },
  });
}

/** When a called leg rang, had early media and was answered, in order. */
function moments({ times: { ring, media, answered } }: LegEvent) {
  const named = [
    { name: 'ring', at: ring },
    { name: 'progress', at: media },
    { name: 'answer', at: answered },
  ];
  return named
    .filter(({ at }) => at > 0)
    .toSorted((a, b) => a.at - b.at)
    .map(({ name, at }) => ({ name, time: new Date(at) }));
}

/** The span of a called leg, from the event of its end. Other events are ignored. */
export function legSpan(event: LegEvent, masked: boolean): void {
  const { kind, call, leg, node, number, times } = event;
  if (kind !== 'end' || call === '' || leg === call) return;
  if (times.created === 0 || times.ended < times.created) return;
  emitLegSpan(call, leg, {
    start: new Date(times.created),
    end: new Date(times.ended),
    events: moments(event),
    attributes: {
      'dialhook.call': call,
      'dialhook.leg': leg,
      'dialhook.node': node,
      'dialhook.destination': shown(number, masked),
      'dialhook.cause': event.failure.cause,
    },
  });
}
