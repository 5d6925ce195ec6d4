import { describe, expect, test } from 'vitest';
import type { Event } from '#test/support/freeswitch/event-socket.ts';
import { toldOf } from './told.ts';

let sequence = 0;
const event = (name: string, leg: string, more: Event = {}): Event => ({
  'Event-Name': name,
  'Event-Sequence': String(++sequence),
  'Unique-ID': leg,
  'Call-Direction': leg === 'a' ? 'inbound' : 'outbound',
  variable_dialhook_call: 'a',
  ...more,
});
const bridges = event('CHANNEL_EXECUTE', 'a', { Application: 'bridge', 'Application-Data': 'x/1' });
const rings = event('CHANNEL_PROGRESS', 'b');
const answers = event('CHANNEL_ANSWER', 'b');
const ends = event('CHANNEL_HANGUP_COMPLETE', 'a', {
  'Hangup-Cause': 'NORMAL_CLEARING',
  variable_dialhook_result: 'decided',
});

describe('toldOf', () => {
  test('a whole call, in the order in which it happened, whatever the order in which it was heard', () => {
    expect(toldOf('a', [answers, ends, bridges, rings], '')).toEqual({
      cause: 'NORMAL_CLEARING',
      applications: [{ name: 'bridge', data: 'x/1' }],
      variables: { dialhook_call: 'a', dialhook_result: 'decided' },
      progress: [
        { leg: 'b', action: 'ring' },
        { leg: 'b', action: 'answer' },
        { leg: 'a', action: 'hangup' },
      ],
    });
  });

  test('a call that died with its switch', () => {
    expect(toldOf('a', [bridges, rings], 'CRASH')).toMatchObject({
      cause: 'CRASH',
      progress: [{ leg: 'b', action: 'ring' }],
      partial: true,
    });
    expect(toldOf('a', [], 'CRASH')).toMatchObject({ cause: 'CRASH', variables: {}, partial: true });
  });

  test.each<[string, Event[]]>([
    ['the caller’s own ring and answer', [event('CHANNEL_PROGRESS', 'a'), event('CHANNEL_ANSWER', 'a')]],
    ['the end of a called leg', [event('CHANNEL_HANGUP_COMPLETE', 'b')]],
    [
      'a leg that no agent has taken',
      [event('CHANNEL_PROGRESS', 'b', { variable_dialhook_call: undefined })],
    ],
  ])('nobody has to be told of %s', (_, events) => {
    expect(toldOf('a', events, '').progress).toEqual([]);
  });

  test('once of what a leg tells twice', () => {
    const again = event('CHANNEL_PROGRESS', 'b');
    expect(toldOf('a', [rings, again], '').progress).toEqual([{ leg: 'b', action: 'ring' }]);
  });
});
