import { describe, expect, test } from 'vitest';
import {
  ANSWERS,
  names,
  node,
  numbers,
  RINGS,
  refuses,
  run,
  useNode,
} from '#test/support/simulator/run-call.ts';

useNode();

describe('a bridge that fails', () => {
  test.each([
    [404, 'UNALLOCATED_NUMBER', 404],
    [486, 'USER_BUSY', 486],
    [503, 'NORMAL_TEMPORARY_FAILURE', 503],
    [603, 'CALL_REJECTED', 603],
    // The caller gets the status of the called leg, not the one that the cause maps to.
    [600, 'USER_BUSY', 600],
    [488, 'INCOMPATIBLE_DESTINATION', 488],
  ])('with %i ends the call with %s', async (status, cause, seen) => {
    const record = await run(['bridge sofia/gateway/gw/300', 'set never=1'], { 300: refuses(status) });
    expect(record).toMatchObject({ cause, status: seen, reason: cause });
    expect(names(record)).toEqual(['bridge']);
  });

  test('with 480 continues with the dialplan, and the caller gets that status', async () => {
    const record = await run(['bridge sofia/gateway/gw/300', 'hangup 17'], { 300: refuses(480) });
    expect(record).toMatchObject({ cause: 'USER_BUSY', status: 480, reason: 'USER_BUSY' });
  });

  test('continues with the dialplan if continue_on_fail lists its cause', async () => {
    const record = await run(
      ['set continue_on_fail=USER_BUSY', 'bridge sofia/gateway/gw/300', 'bridge sofia/gateway/gw2/301'],
      { 300: refuses(486), 301: ANSWERS },
    );
    expect(record).toMatchObject({ status: 200, cause: 'NORMAL_CLEARING' });
    expect(numbers(record)).toEqual(['300', '301']);
  });

  test('continues with the dialplan after no answer', async () => {
    const record = await run(['set call_timeout=2', 'bridge sofia/gateway/gw/300', 'hangup 21'], {
      300: RINGS,
    });
    expect(record).toMatchObject({
      cause: 'CALL_REJECTED',
      variables: { originate_disposition: 'NO_ANSWER', DIALSTATUS: 'NOANSWER' },
      progress: [{ action: 'ring' }, { action: 'hangup' }],
    });
  });

  test('ends the call after no answer if continue_on_fail is false', async () => {
    const record = await run(
      ['set continue_on_fail=false', 'bridge {originate_timeout=2}sofia/gateway/gw/300', 'hangup 21'],
      { 300: {} },
    );
    expect(record).toMatchObject({ cause: 'NO_ANSWER', status: 480, reason: 'NO_ANSWER' });
  });

  test('ends when the caller cancels', async () => {
    const record = await run(
      ['bridge sofia/gateway/gw/300|sofia/gateway/gw/301', 'set never=1'],
      { 300: RINGS },
      { cancelAt: 500 },
    );
    expect(record).toMatchObject({ cause: 'ORIGINATOR_CANCEL', status: 487, reason: undefined });
    expect(numbers(record)).toEqual(['300']);
    expect(names(record)).toEqual(['bridge']);
  });
});

describe('groups tried in turn', () => {
  test('end with the first that answers', async () => {
    const record = await run(['bridge sofia/gateway/gw/300|sofia/gateway/nosuch/1|sofia/gateway/gw/301'], {
      300: refuses(486),
      301: ANSWERS,
    });
    expect(record).toMatchObject({ status: 200, variables: { originate_disposition: 'SUCCESS' } });
    expect(numbers(record)).toEqual(['300', '301']);
    expect(record.variables['originate_causes']).toEqual([
      `${record.invites[0]?.leg};USER_BUSY`,
      `${record.invites[1]?.leg};NONE`,
    ]);
  });

  test('fail with the cause of the last', async () => {
    const record = await run(['bridge sofia/gateway/gw/300|sofia/gateway/gw/301'], {
      300: refuses(486),
      301: refuses(404),
    });
    expect(record).toMatchObject({ cause: 'UNALLOCATED_NUMBER', status: 404 });
  });

  test('end at one that does not answer in time', async () => {
    const dialString = 'bridge {originate_timeout=2}sofia/gateway/gw/300|sofia/gateway/gw/301';
    expect(numbers(await run([dialString], { 300: RINGS, 301: ANSWERS }))).toEqual(['300']);
    const on = dialString.replace('{', '{originate_continue_on_timeout=true,');
    expect(numbers(await run([on], { 300: RINGS, 301: ANSWERS }))).toEqual(['300', '301']);
  });

  test('end at one that has early media', async () => {
    const callees = { 300: { mediaAt: 0, refuse: { at: 200, status: 486 } }, 301: ANSWERS };
    const dialString = 'sofia/gateway/gw/300|sofia/gateway/gw/301';
    expect(await run([`bridge ${dialString}`], callees)).toMatchObject({
      invites: [{ number: '300' }],
      cause: 'USER_BUSY',
      status: 486,
      progress: [{ action: 'progress' }, { action: 'hangup' }],
    });
    const ignoring = await run([`bridge {ignore_early_media=true}${dialString}`], callees);
    expect(ignoring).toMatchObject({ status: 200, invites: [{ number: '300' }, { number: '301' }] });
  });
});

describe('legs that ring simultaneously', () => {
  test('are hung up with LOSE_RACE when one answers', async () => {
    const record = await run(['bridge sofia/gateway/gw/300,sofia/gateway/gw/301'], {
      300: RINGS,
      301: { ringAt: 10, answerAt: 200 },
    });
    expect(record.status).toBe(200);
    expect(record.variables['originate_causes']).toEqual([
      `${record.invites[0]?.leg};LOSE_RACE`,
      `${record.invites[1]?.leg};NONE`,
    ]);
    expect(record.progress.map(({ action }) => action)).toEqual(['ring', 'ring', 'answer', 'hangup']);
  });

  test('fail with the cause of the first in the dial string', async () => {
    const record = await run(['bridge sofia/gateway/gw/300,sofia/gateway/gw/301'], {
      300: { refuse: { at: 200, status: 486 } },
      301: refuses(404),
    });
    expect(record).toMatchObject({ cause: 'USER_BUSY' });
  });

  test('ring without one that cannot be created', async () => {
    const record = await run(['bridge sofia/gateway/nosuch/1,sofia/gateway/gw/301'], { 301: ANSWERS });
    expect(record).toMatchObject({ status: 200, invites: [{ number: '301' }] });
  });

  test('are ended separately by leg_timeout', async () => {
    const record = await run(['bridge [leg_timeout=1]sofia/gateway/gw/300,sofia/gateway/gw/301'], {
      300: RINGS,
      301: { answerAt: 4000 },
    });
    expect(record.status).toBe(200);
    expect(record.variables['originate_causes']).toContain(`${record.invites[0]?.leg};ALLOTTED_TIMEOUT`);
  });
});

describe('an answered call', () => {
  const HANGS_UP = { ...ANSWERS, hangsUpAt: 300 };

  test('continues with the dialplan when the called party hangs up', async () => {
    const record = await run(['bridge sofia/gateway/gw/300', 'hangup 21'], { 300: HANGS_UP }, {});
    expect(record).toMatchObject({ status: 200, cause: 'CALL_REJECTED' });
  });

  test('ends with the called party if hangup_after_bridge is set', async () => {
    const record = await run(
      ['set hangup_after_bridge=true', 'bridge sofia/gateway/gw/300', 'hangup 21'],
      { 300: HANGS_UP },
      {},
    );
    expect(record).toMatchObject({
      status: 200,
      cause: 'NORMAL_CLEARING',
      variables: { sip_hangup_disposition: 'send_bye', bridge_hangup_cause: 'NORMAL_CLEARING' },
    });
  });

  test('is ended by the caller', async () => {
    const record = await run(['bridge sofia/gateway/gw/300', 'set never=1'], { 300: ANSWERS });
    expect(record).toMatchObject({
      status: 200,
      cause: 'NORMAL_CLEARING',
      variables: { sip_hangup_disposition: 'recv_bye', sip_term_status: '200' },
      progress: [{ action: 'ring' }, { action: 'answer' }, { action: 'hangup' }],
    });
    expect(names(record)).toEqual(['bridge']);
    expect(node.channels).toBe(0);
  });
});
