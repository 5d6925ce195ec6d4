import { describe, expect, it } from 'vitest';
import { callIdOf } from '#libs/contract/call-id.ts';
import { EndpointRequest, notificationId, requestId } from '#libs/contract/endpoint.ts';
import { decodeHeaders, rawHeaders } from '#libs/esl/frames.ts';
import type { FreeSwitchEvent } from '#libs/esl/inbound.ts';
import { entryOf, isTagged } from '#services/agent/call/entry.ts';
import { encodeIdentity, newIdentity, taggedIdentity } from '#services/agent/call/identity.ts';
import { endpointRequest } from '#services/agent/endpoint-request.ts';
import { notificationsOf } from '#test/support/agent/replay.ts';
import { framesOf, recorded, recordedEvents } from '#test/support/esl/recordings.ts';

/** With inbound-use-callid-as-uuid the Call-ID of the caller's INVITE is the uuid of its channel. */
const CALL_IDS = [
  'abc%0Adef@h',
  'a,b;c@h',
  String.raw`a\b\c@h`,
  '呼叫@h',
  `${'x'.repeat(250)}@h`,
  '{a}|^"b"@h',
];
const SETTINGS = { nodeName: 'fs1', defaultUrl: 'http://crm.example/' };

const data = decodeHeaders(
  rawHeaders(framesOf(recorded('answered', 'outbound.from-freeswitch'))[0] ?? Buffer.alloc(0)),
);
const RECORDED = data['Unique-ID'] ?? '';

const withUuid = (uuid: string) => ({ ...data, 'Unique-ID': uuid, variable_uuid: uuid });

/** The recorded events of a call whose caller leg has another uuid, as an agent tags it. */
function eventsOf(uuid: string): FreeSwitchEvent[] {
  const json = JSON.stringify(recordedEvents('answered')).replaceAll(
    RECORDED,
    JSON.stringify(uuid).slice(1, -1),
  );
  const tags = {
    variable_dialhook_call: callIdOf(uuid),
    variable_dialhook_caller: encodeIdentity(newIdentity(withUuid(uuid))),
  };
  return (JSON.parse(json) as FreeSwitchEvent[]).map((event) => ({ ...event, ...tags }));
}

describe.each(CALL_IDS)('a call with the uuid %s', (uuid) => {
  const request = endpointRequest(withUuid(uuid), 'fs1', [], { kind: 'request', reason: 'new' });

  it('is requested under its id, with the uuid as data', () => {
    expect(EndpointRequest.parse(request)).toMatchObject({ uuid: callIdOf(uuid), channel_uuid: uuid });
    expect(requestId(request)).toMatch(/^[0-9a-f-]{36}\.1\.request$/);
  });

  it('has the same id and identity in every notification', () => {
    const notifications = notificationsOf(eventsOf(uuid), SETTINGS);
    expect(notifications.map(({ action }) => action)).toEqual(['ring', 'progress', 'answer', 'hangup']);
    const { uuid: id, channel_uuid, caller_id_number, caller_id_name } = request;
    for (const one of notifications)
      expect(one).toMatchObject({ uuid: id, channel_uuid, caller_id_number, caller_id_name });
    expect(notificationId(notifications[3] as never)).toBe(`${id}.${id}.hangup`);
  });

  it('is known as tagged when it enters again', () => {
    const again = { ...eventsOf(uuid)[0], ...withUuid(uuid) };
    expect(isTagged(again)).toBe(true);
    expect(entryOf(again)).toEqual({ kind: 'request', reason: 'new' });
    expect(taggedIdentity(again)?.channel_uuid).toBe(uuid);
  });
});

it('a call with an ordinary uuid has no channel_uuid', () => {
  const request = endpointRequest(data, 'fs1', [], { kind: 'request', reason: 'new' });
  expect(request.uuid).toBe(RECORDED);
  expect(request).not.toHaveProperty('channel_uuid');
  for (const one of notificationsOf(eventsOf(RECORDED), SETTINGS))
    expect(one).not.toHaveProperty('channel_uuid');
});
