import { describe, expect, it } from 'vitest';
import { callIdOf } from '#libs/contract/call-id.ts';
import { EndpointRequest } from '#libs/contract/endpoint.ts';
import { LiveCall } from '#libs/contract/messages.ts';
import { ATTEMPT_VARIABLE, TRANSFERS_VARIABLE } from '#libs/dialplan/applications.ts';
import type { FreeSwitchEvent } from '#libs/esl/inbound.ts';
import { defectOf } from '#services/agent/call/channel-data.ts';
import { attemptOf, entryOf } from '#services/agent/call/entry.ts';
import { encodeIdentity, newIdentity, taggedWith } from '#services/agent/call/identity.ts';
import { legEvent } from '#services/agent/call/leg-event.ts';
import { endpointRequest } from '#services/agent/endpoint-request.ts';
import { liveCall } from '#services/agent/live-call.ts';
import { notificationsOf } from '#test/support/agent/replay.ts';
import { recordedEvents } from '#test/support/esl/recordings.ts';

/** Texts in place of numbers and dates: none may throw, and none may become a date or a number that JSON cannot hold. */
const NUMBERS = [
  '1e30',
  '-1',
  '1.5',
  'NaN',
  'Infinity',
  '0x10',
  ' 1',
  '',
  '9'.repeat(400),
  '9007199254740993',
  '٣',
];
const CHANNEL = {
  'Unique-ID': 'a',
  'Event-Date-Timestamp': '1795458426595100',
  'FreeSWITCH-Switchname': 'fs1',
  'Caller-Channel-Created-Time': '1795458426000000',
};
const ENDPOINT = { url: 'http://crm/', connectTimeoutMs: 1, responseTimeoutMs: 1, notify: true };
const SETTINGS = { nodeName: 'fs1', defaultUrl: 'http://crm/' };

describe.each(NUMBERS)('the number %j from FreeSWITCH', (text) => {
  it('as the creation time leaves a valid request and live call', () => {
    const data = { ...CHANNEL, 'Caller-Channel-Created-Time': text };
    const request = endpointRequest(data, 'fs1', [], { kind: 'request', reason: 'new' });
    expect(EndpointRequest.safeParse(request).success).toBe(true);
    const live = LiveCall.parse(liveCall(data, request, ENDPOINT));
    expect(live.started).toBe(request.time);
  });

  it('as the time of an event is refused with words', () => {
    expect(defectOf({ ...CHANNEL, 'Event-Date-Timestamp': text }, 'fs1')).toBe(
      'Event-Date-Timestamp of the call a is not a time',
    );
  });

  it.each([ATTEMPT_VARIABLE, TRANSFERS_VARIABLE])('in %s counts as none', (name) => {
    const data = { ...CHANNEL, variable_dialhook_call: 'a', [`variable_${name}`]: text };
    expect(attemptOf(data)).toBe(1);
    expect(entryOf(data)).toEqual({ kind: 'request', reason: 'new' });
  });

  it('anywhere in the events of a call leaves valid notifications', () => {
    const hostile = (event: FreeSwitchEvent): FreeSwitchEvent =>
      Object.fromEntries(
        Object.entries(event).map(([name, value]) => [
          name,
          /^Caller-Channel-.*-Time$|status|q850/.test(name) ? text : value,
        ]),
      );
    const actions = notificationsOf(recordedEvents('answered').map(hostile), SETTINGS).map(
      ({ action }) => action,
    );
    expect(actions).toEqual(['ring', 'progress', 'answer', 'hangup']);
  });
});

it.each([-1, 1.5, 1e300, '1', null])('a tag with the start %j is ignored', (started) => {
  const tag = encodeIdentity({ ...newIdentity(CHANNEL), started: started as number });
  expect(taggedWith({ ...CHANNEL, variable_dialhook_caller: tag })).toBeUndefined();
});

describe('channel data that FreeSWITCH cannot have sent', () => {
  it.each<[string, Record<string, string>, string]>([
    ['no uuid', { 'Unique-ID': '' }, 'there is no Unique-ID'],
    [
      'a uuid of 5,000 bytes',
      { 'Unique-ID': 'a'.repeat(5_000) },
      "the uuid of the channel has 5000 bytes, and FreeSWITCH's have at most 256",
    ],
    [
      'a uuid of 258 bytes',
      { 'Unique-ID': '呼'.repeat(86) },
      "the uuid of the channel has 258 bytes, and FreeSWITCH's have at most 256",
    ],
    [
      'a node of 5,000 bytes',
      { 'FreeSWITCH-Switchname': 'a'.repeat(5_000) },
      'the node of the call a has a name of 5000 bytes, and 1 to 255 are allowed: set NODE_NAME',
    ],
    [
      'no node',
      { 'FreeSWITCH-Switchname': '' },
      'the node of the call a has a name of 0 bytes, and 1 to 255 are allowed: set NODE_NAME',
    ],
  ])('%s', (_, headers, defect) => {
    expect(defectOf({ ...CHANNEL, ...headers }, undefined)).toBe(defect);
  });

  it('in an event is an error that names the event, and no call', () => {
    const event = { ...recordedEvents('answered')[0], 'Event-Date-Timestamp': '1e30' } as FreeSwitchEvent;
    expect(() => legEvent(event, SETTINGS)).toThrow(
      `CHANNEL_PROGRESS: Event-Date-Timestamp of the call ${event['Unique-ID']} is not a time`,
    );
  });

  it('is not a uuid of 256 bytes, the longest of FreeSWITCH', () => {
    const uuid = 'a'.repeat(256);
    expect(defectOf({ ...CHANNEL, 'Unique-ID': uuid }, undefined)).toBeUndefined();
    expect(callIdOf(uuid)).toHaveLength(36);
  });
});
