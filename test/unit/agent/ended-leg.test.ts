import { describe, expect, it } from 'vitest';
import { endedLeg } from '#services/agent/call/ended-leg.ts';
import { readEvent } from '#services/agent/call/notification.ts';
import { recordedEvents } from '#test/support/esl/recordings.ts';

const legsOf = (name: string) => recordedEvents(name).flatMap((event) => endedLeg(event, undefined) ?? []);

describe('endedLeg, on recordings of a real FreeSWITCH', () => {
  it.each([
    ['answered', ['123456 NORMAL_CLEARING ring progress answer']],
    ['busy', ['123456 USER_BUSY']],
    ['caller-gives-up-ringing', ['123456 ORIGINATOR_CANCEL ring']],
    ['gateway-unknown', []],
  ])('%s', (name, expected) => {
    const legs = legsOf(name);
    expect(
      legs.map(({ number, cause, events }) =>
        [number, cause, ...events.map((event) => event.name)].join(' '),
      ),
    ).toEqual(expected);
    for (const { start, end, events } of legs) {
      const times = [start, ...events.map(({ time }) => time), end].map((time) => time.getTime());
      expect(times).toEqual(times.toSorted((a, b) => a - b));
    }
  });

  it('reads the legs of a failover in order, each with its own uuid', () => {
    const legs = legsOf('sequential-failover');
    expect(legs).toHaveLength(2);
    const [first, second] = legs;
    expect(first?.leg).not.toBe(second?.leg);
    expect(first?.uuid).toBe(second?.uuid);
    expect(Number(first?.end)).toBeLessThanOrEqual(Number(second?.start));
  });

  it('reads no caller leg and no event that is a notification', () => {
    const settings = { nodeName: undefined, defaultUrl: 'http://crm/' };
    for (const event of recordedEvents('answered'))
      if (endedLeg(event, undefined)) expect(readEvent(event, settings)).toBeUndefined();
    expect(legsOf('answered').every(({ leg, uuid }) => leg !== uuid)).toBe(true);
  });
});
