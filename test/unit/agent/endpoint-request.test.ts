import { describe, expect, it } from 'vitest';
import { EndpointRequest } from '#libs/contract/endpoint.ts';
import { DecisionRequest } from '#libs/contract/messages.ts';
import { decodeHeaders, rawHeaders } from '#libs/esl/frames.ts';
import { header, isoTime, nodeName, variable } from '#services/agent/call/channel-data.ts';
import { attemptOf, entryOf } from '#services/agent/call/entry.ts';
import { originatedLegs } from '#services/agent/call/leg-event.ts';
import { tried } from '#services/agent/call/tried.ts';
import { parseCtiBridge } from '#services/agent/cti-bridge.ts';
import { decisionRequest, endpointRequest } from '#services/agent/endpoint-request.ts';
import { framesOf, RECORDINGS, recorded } from '#test/support/esl/recordings.ts';

const connectReply = (name: string) =>
  decodeHeaders(rawHeaders(framesOf(recorded(name, 'outbound.from-freeswitch'))[0] ?? Buffer.alloc(0)));

const NEW = { kind: 'request', reason: 'new' } as const;

describe('endpointRequest', () => {
  it.each(RECORDINGS)('reads the channel data of %s', (name) => {
    const data = connectReply(name);
    const request = endpointRequest(data, 'vm', ['sip_from_user', 'nothing'], NEW);
    expect(request).toEqual({
      action: 'request',
      reason: 'new',
      uuid: data['Unique-ID'],
      node: 'vm',
      time: expect.stringMatching(/^2026-11-23T18:2\d:\d\d\.\d{3}Z$/),
      caller_id_number: '13800138000',
      caller_id_name: "张三 O'Brien 100%",
      destination_number: '0555',
      caller_id_withheld: false,
      asserted_number: '',
      context: 'default',
      network_addr: '127.0.0.1',
      sip_call_id: data['variable_sip_call_id'],
      attempt: 1,
      tried: [],
      variables: { sip_from_user: '13800138000' },
    });
    expect(request.sip_call_id).not.toBe('');
    expect(EndpointRequest.parse(request)).toEqual(request);
  });

  it('contains the configured variables', () => {
    const data = {
      'Event-Date-Timestamp': '0',
      variable_domain_name: 'pbx',
      'variable_sip_h_X-Account': '7',
      'variable_sip_h_X-Tenant': ['a', 'b'],
      variable_sip_h: 'no',
      variable_secret: 'no',
      'sip_h_X-Fake': 'no',
    };
    const selected = (wanted: string[]) => endpointRequest(data, '', wanted, NEW).variables;
    expect(selected(['domain_name', 'sip_h_X-*', 'missing'])).toEqual({
      domain_name: 'pbx',
      'sip_h_X-Account': '7',
      'sip_h_X-Tenant': 'a',
    });
    expect(selected([])).toEqual({});
  });
});

describe('decisionRequest', () => {
  it('passes the timeouts of the endpoint to the router', () => {
    const endpoint = { url: 'http://crm/', connectTimeoutMs: 100, responseTimeoutMs: 200, notify: true };
    const request = endpointRequest(connectReply('answered'), 'vm', [], NEW);
    const message = decisionRequest(request, endpoint, undefined);
    expect(message).toEqual({
      v: 1,
      url: 'http://crm/',
      connect_timeout_ms: 100,
      response_timeout_ms: 200,
      request,
    });
    expect(DecisionRequest.parse(message)).toEqual(message);
  });

  it('uses the fallback URL of the call, or else the configured one', () => {
    const endpoint = { url: 'http://crm/', connectTimeoutMs: 1, responseTimeoutMs: 2, notify: true };
    const request = endpointRequest(connectReply('answered'), 'vm', [], NEW);
    const fallback = (own: object, configured: string | undefined) =>
      decisionRequest(request, { ...endpoint, ...own }, configured).fallback_url;
    expect(fallback({ fallbackUrl: 'http://own/' }, 'http://configured/')).toBe('http://own/');
    expect(fallback({}, 'http://configured/')).toBe('http://configured/');
    expect(fallback({}, undefined)).toBeUndefined();
  });
});

const TAGGED = { 'Unique-ID': 'u', variable_dialhook_call: 'u' };

describe('attemptOf', () => {
  it.each([
    ['of a call without a request', {}, 1],
    ['after three requests', { ...TAGGED, variable_dialhook_attempt: '3' }, 4],
    [
      'of a called leg that is transferred to us',
      { ...TAGGED, 'Unique-ID': 'b', variable_dialhook_attempt: '3' },
      1,
    ],
    ['with a zero', { ...TAGGED, variable_dialhook_attempt: '0' }, 1],
    ['with text', { ...TAGGED, variable_dialhook_attempt: 'many' }, 1],
    ['of a called leg', { 'Unique-ID': 'b', variable_dialhook_call: 'a', variable_dialhook_attempt: '2' }, 1],
    [
      'of a loopback leg, which counts on from its caller',
      {
        ...{ 'Unique-ID': 'b', variable_dialhook_call: 'a', variable_dialhook_attempt: '2' },
        variable_loopback_leg: 'B',
      },
      3,
    ],
  ])('%s', (_, data, attempt) => expect(attemptOf(data)).toBe(attempt));
});

describe('entryOf', () => {
  const COLLECTED = { ...TAGGED, variable_dialhook_entry: 'digits' };
  const DIGITS = { kind: 'request', reason: 'digits' };
  const failed = (entry: string, more: object) => ({
    ...TAGGED,
    variable_dialhook_entry: entry,
    variable_last_bridge_hangup_cause: 'CALL_REJECTED',
    variable_last_bridge_proto_specific_hangup_cause: 'sip:603',
    ...more,
  });
  const redirected = {
    variable_last_bridge_hangup_cause: 'REQUESTED_CHAN_UNAVAIL',
    variable_last_bridge_proto_specific_hangup_cause: 'sip:302',
  };
  const hangup = { kind: 'hangup', cause: 'CALL_REJECTED' };
  const FOLLOW = { variable_dialhook_on_redirect: 'follow', variable_dialhook_redirect_prefix: 'e30' };
  it.each<[string, Record<string, string>, object]>([
    ['a new call', {}, NEW],
    ['a call that the dialplan sends here again', TAGGED, NEW],
    ['a target that failed', failed('next', {}), { kind: 'continue' }],
    ['a final cause', failed('next', { variable_dialhook_final: 'USER_BUSY,CALL_REJECTED' }), hangup],
    ['a final status', failed('next', { variable_dialhook_final: 'sip:603' }), hangup],
    ['another final status', failed('next', { variable_dialhook_final: 'sip:604' }), { kind: 'continue' }],
    ['a final class of statuses', failed('next', { variable_dialhook_final: 'sip:6xx' }), hangup],
    ['the last target', failed('last', {}), hangup],
    ['the last target with on_fail request', failed('failed', {}), { kind: 'request', reason: 'failed' }],
    ['a final status with on_fail request', failed('failed', { variable_dialhook_final: 'sip:603' }), hangup],
    [
      'a redirect with on_redirect request',
      failed('next', { ...redirected, variable_dialhook_on_redirect: 'request' }),
      { kind: 'request', reason: 'redirect' },
    ],
    [
      'a redirect with on_redirect follow',
      failed('next', { ...redirected, ...FOLLOW }),
      { kind: 'follow', otherwise: { kind: 'continue' } },
    ],
    [
      'a redirect of the last target with on_redirect follow and on_fail request',
      failed('failed', { ...redirected, ...FOLLOW }),
      { kind: 'follow', otherwise: { kind: 'request', reason: 'failed' } },
    ],
    [
      'a redirect of the address that was followed',
      failed('next', { ...redirected, variable_dialhook_on_redirect: 'follow' }),
      { kind: 'continue' },
    ],
    ['a refusal with on_redirect follow', failed('last', FOLLOW), hangup],
    ['a redirect with on_redirect fail', failed('next', redirected), { kind: 'continue' }],
    ...(['<sip:7@host>', '"Seven" <sip:7@host;user=phone>;x=y', 'sip:7@host'] as const).map(
      (to): [string, Record<string, string>, object] => [
        `a transfer by the callee: Refer-To: ${to}`,
        { ...TAGGED, variable_transfer_history: '1:x:bl_xfer:7/default/XML', variable_sip_refer_to: to },
        { kind: 'request', reason: 'transfer', transferred_by: 'callee' },
      ],
    ),
    [
      'a transfer by an operator, after one by the callee',
      {
        ...TAGGED,
        variable_transfer_history: 'ARRAY::1:x:bl_xfer:7/default/XML|:2:x:bl_xfer:8/default/XML',
        variable_sip_refer_to: '<sip:7@host>',
      },
      { kind: 'request', reason: 'transfer', transferred_by: 'other' },
    ],
    [
      'a transfer by the callee to a call that still rings, and fails',
      {
        ...failed('failed', {}),
        variable_transfer_history: '1:x:bl_xfer:park/default/inline',
        variable_att_xfer_kill_uuid: 'b',
        variable_att_xfer_destination_number: '8',
      },
      { kind: 'request', reason: 'transfer', transferred_by: 'callee' },
    ],
    [
      'a transfer that was reported',
      { ...TAGGED, variable_transfer_history: '1:x:bl_xfer:7/default/XML', variable_dialhook_transfers: '1' },
      NEW,
    ],
    [
      'a transfer by the caller',
      {
        ...{ 'Unique-ID': 'b', variable_dialhook_call: 'a' },
        ...{ variable_transfer_history: '1:x:bl_xfer:7/default/XML', variable_sip_refer_to: '<sip:7@host>' },
      },
      { kind: 'request', reason: 'transfer', transferred_by: 'caller', transferred_from: 'a' },
    ],
    [
      'a transfer of the called leg by an operator',
      {
        ...{ 'Unique-ID': 'b', variable_dialhook_call: 'a' },
        variable_transfer_history: '1:x:bl_xfer:7/default/XML',
      },
      { kind: 'request', reason: 'transfer', transferred_by: 'other', transferred_from: 'a' },
    ],
    [
      'digits, complete',
      { ...COLLECTED, variable_dialhook_digits: '1234', variable_read_result: 'success' },
      { ...DIGITS, digits: '1234', digits_end: 'max' },
    ],
    [
      'digits with a terminator',
      { ...COLLECTED, variable_dialhook_digits: '12', variable_read_terminator_used: '#' },
      { ...DIGITS, digits: '12', digits_end: 'terminator' },
    ],
    [
      'no digits',
      { ...COLLECTED, variable_read_result: 'failure' },
      { ...DIGITS, digits: '', digits_end: 'timeout' },
    ],
    ['digits that FreeSWITCH could not collect', COLLECTED, { ...DIGITS, digits: '', digits_end: 'error' }],
    [
      'digits that no phone sends',
      { ...COLLECTED, variable_dialhook_digits: '${system touch /tmp/x}', variable_read_result: 'timeout' },
      { ...DIGITS, digits: '', digits_end: 'timeout' },
    ],
    [
      'a transfer during the collection',
      { ...COLLECTED, variable_transfer_history: '1:x:bl_xfer:7/default/XML' },
      { kind: 'request', reason: 'transfer', transferred_by: 'other' },
    ],
    [
      'a call of a loopback leg',
      { 'Unique-ID': 'b', variable_dialhook_call: 'a', variable_loopback_leg: 'B' },
      NEW,
    ],
  ])('%s', (_, data, entry) => expect(entryOf(data)).toEqual(entry));
});

describe('tried', () => {
  const one = { leg: 'a', number: '1', cause: 'USER_BUSY' };
  const two = { leg: 'b', number: '2', cause: '' };
  it.each([
    ['nothing', {}, []],
    ['one leg', { variable_originated_legs: 'a;x;1', variable_originate_causes: 'a;USER_BUSY' }, [one]],
    [
      'several, in channel data',
      { variable_originated_legs: 'ARRAY::a;x;1|:b;y;2', variable_originate_causes: 'a;USER_BUSY' },
      [one, two],
    ],
    [
      'several, in an event',
      { variable_originated_legs: ['a;x;1', 'b;y;2'], variable_originate_causes: ['a;USER_BUSY'] },
      [one, two],
    ],
    ['one leg named twice', { variable_originated_legs: ['b;y;2', 'b;y;2'] }, [two]],
  ])('lists %s in tried', (_, data, legs) => expect(tried(originatedLegs(data), new Map())).toEqual(legs));
});

describe('parseCtiBridge', () => {
  it.each([
    ['http://a/ 1 2 0', 'http://b/', 'http://a/'],
    ['', 'http://b/', 'http://b/'],
  ])('"%s", else %s', (text, defaultUrl, url) =>
    expect(parseCtiBridge(text, defaultUrl)).toMatchObject({ ok: true, endpoint: { url } }),
  );

  it.each([
    ['', undefined],
    ['nonsense', 'http://b/'],
  ])('"%s" with %s is an error', (text, defaultUrl) =>
    expect(parseCtiBridge(text, defaultUrl).ok).toBe(false),
  );
});

describe('channel data', () => {
  it('reads headers and variables', () => {
    const data = { a: '1', b: ['2', '3'], variable_c: '4', d: [] };
    expect([header(data, 'a'), header(data, 'b'), header(data, 'd'), header(data, 'x')]).toEqual([
      '1',
      '2',
      '',
      '',
    ]);
    expect([variable(data, 'c'), variable(data, 'a')]).toEqual(['4', '']);
  });

  it.each([
    [{ 'FreeSWITCH-Switchname': 'sw', 'FreeSWITCH-Hostname': 'host' }, 'mine', 'mine'],
    [{ 'FreeSWITCH-Switchname': 'sw', 'FreeSWITCH-Hostname': 'host' }, undefined, 'sw'],
    [{ 'FreeSWITCH-Hostname': 'host' }, undefined, 'host'],
    [{}, undefined, ''],
  ])('node of %j, configured %s', (data, configured, name) => expect(nodeName(data, configured)).toBe(name));

  it('converts microseconds to ISO 8601', () => {
    expect(isoTime({ 'Event-Date-Timestamp': '1795458426595100' })).toBe('2026-11-23T18:27:06.595Z');
  });
});
