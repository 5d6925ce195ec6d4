import { describe, expect, test } from 'vitest';
import type { Callee } from '#libs/simulator/call-script.ts';
import { hangupsOf } from '#test/support/simulator/hangups.ts';
import { ANSWERS, node, numbers, RINGS, refuses, run, useNode } from '#test/support/simulator/run-call.ts';

useNode();

const redirects = (contact: string): Callee => ({ redirect: { at: 0, contact } });

describe('a called party', () => {
  test.each<[string, Callee, string[]]>([
    ['180 without SDP', { ringAt: 0, answerAt: 100 }, ['ring', 'answer', 'hangup']],
    ['180 with SDP', { ringMediaAt: 0, answerAt: 100 }, ['progress', 'answer', 'hangup']],
    ['183 without SDP', { progressAt: 0, answerAt: 100 }, ['ring', 'answer', 'hangup']],
    ['183 with SDP', { mediaAt: 0, answerAt: 100 }, ['progress', 'answer', 'hangup']],
    [
      '180 and then 183 with SDP',
      { ringAt: 0, mediaAt: 50, answerAt: 100 },
      ['ring', 'progress', 'answer', 'hangup'],
    ],
  ])('may send %s', async (_, callee, actions) => {
    const record = await run(['bridge sofia/gateway/gw/300'], { 300: callee });
    expect(record.progress.map(({ action }) => action)).toEqual(actions);
  });

  test('may fail after early media: the originate has succeeded, the leg has its own cause', async () => {
    const hangups = await hangupsOf(node);
    const record = await run(['bridge sofia/gateway/gw/300'], {
      300: { mediaAt: 0, refuse: { at: 100, status: 404 } },
    });
    expect(record).toMatchObject({ cause: 'UNALLOCATED_NUMBER', status: 404 });
    expect(record.variables['originate_causes']).toBe(`${record.invites[0]?.leg};NONE`);
    expect(await hangups.of(String(record.invites[0]?.leg))).toMatchObject({
      'Hangup-Cause': 'UNALLOCATED_NUMBER',
      'Other-Leg-Unique-ID': record.uuid,
      'Caller-Channel-Answered-Time': '0',
      variable_sip_invite_failure_status: '404',
      variable_sip_invite_failure_phrase: 'Not Found',
    });
  });

  test('may give a Q.850 cause in a Reason header, which reaches the caller', async () => {
    const reason = 'Q.850;cause=34;text="No circuit"';
    const record = await run(['bridge sofia/gateway/gw/300'], {
      300: { refuse: { at: 0, status: 503, reason } },
    });
    expect(record).toMatchObject({
      cause: 'NORMAL_CIRCUIT_CONGESTION',
      status: 503,
      reason: 'No circuit',
      variables: { sip_reason: reason },
    });
  });
});

describe('a redirect', () => {
  test('fails the leg if outbound_redirect_fatal is set, and the next group is dialled', async () => {
    const hangups = await hangupsOf(node);
    const record = await run(
      ['export nolocal:outbound_redirect_fatal=true', 'bridge sofia/gateway/gw/300|sofia/gateway/gw/301'],
      { 300: redirects('sip:302@10.0.0.9:5060'), 301: ANSWERS },
    );
    expect(numbers(record)).toEqual(['300', '301']);
    expect(record.status).toBe(200);
    expect(await hangups.of(String(record.invites[0]?.leg))).toMatchObject({
      'Hangup-Cause': 'REQUESTED_CHAN_UNAVAIL',
      variable_proto_specific_hangup_cause: 'sip:302',
      variable_sip_redirected_to: '<sip:302@10.0.0.9:5060>',
      variable_sip_redirect_contact_user_0: '302',
      variable_sip_redirect_contact_host_0: '10.0.0.9',
    });
  });

  test('to another host sends the INVITE of the same leg there', async () => {
    const record = await run(['bridge sofia/gateway/gw/300'], {
      300: redirects('sip:302@10.0.0.9:5060'),
      302: ANSWERS,
    });
    expect(record.invites).toMatchObject([{ number: '300' }, { number: '302', host: '10.0.0.9:5060' }]);
    expect(record.invites[1]?.leg).toBe(record.invites[0]?.leg);
    expect(record.status).toBe(200);
  });

  test("to FreeSWITCH's own domain runs the call's dialplan again with the new number", async () => {
    const record = await run([`bridge sofia/gateway/gw/\${destination_number}`], {
      200: redirects('sip:302@127.0.0.1'),
      302: ANSWERS,
    });
    expect(numbers(record)).toEqual(['200', '302']);
    expect(record.variables).toMatchObject({ sip_redirected_to: '<sip:302@127.0.0.1>', max_forwards: '69' });
  });

  test("to FreeSWITCH's own domain cancels the other legs", async () => {
    const record = await run(
      [`bridge sofia/gateway/gw/\${destination_number},sofia/gateway/gw2/301`, 'hangup'],
      { 200: redirects('sip:302@127.0.0.1'), 301: RINGS, 302: refuses(486) },
      { cancelAt: 300 },
    );
    expect(record.variables['originate_causes']).toContain(`${record.invites[1]?.leg};ORIGINATOR_CANCEL`);
  });
});

describe('time limits of called legs', () => {
  test('bridge_answer_timeout ends a leg that has only early media', async () => {
    const record = await run(
      [
        'export nolocal:bridge_answer_timeout=1',
        'set continue_on_fail=true',
        'bridge sofia/gateway/gw/300',
        'bridge sofia/gateway/gw/301',
      ],
      { 300: { mediaAt: 0 }, 301: ANSWERS },
    );
    expect(numbers(record)).toEqual(['300', '301']);
    expect(record.status).toBe(200);
  });

  test('leg_delay_start dials a leg of a group later', async () => {
    const record = await run(['bridge sofia/gateway/gw/300,[leg_delay_start=1]sofia/gateway/gw/301'], {
      300: RINGS,
      301: ANSWERS,
    });
    expect(record).toMatchObject({ status: 200, invites: [{ number: '300' }, { number: '301' }] });
  });

  test('leg_delay_start does not wait if no other leg is left', async () => {
    const began = performance.now();
    const record = await run(['bridge sofia/gateway/gw/300,[leg_delay_start=50]sofia/gateway/gw/301'], {
      300: refuses(486),
      301: ANSWERS,
    });
    expect(numbers(record)).toEqual(['300', '301']);
    expect(performance.now() - began).toBeLessThan(4000);
  });

  test('a delayed leg is not dialled when another leg has answered', async () => {
    const record = await run(['bridge sofia/gateway/gw/300,[leg_delay_start=30]sofia/gateway/gw/301'], {
      300: ANSWERS,
      301: ANSWERS,
    });
    expect(numbers(record)).toEqual(['300']);
  });
});
