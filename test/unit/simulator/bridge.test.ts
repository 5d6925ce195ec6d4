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
    // The caller gets the status of the called side, not the one that the cause stands for.
    [600, 'USER_BUSY', 600],
    [488, 'INCOMPATIBLE_DESTINATION', 488],
  ])('%i ends the call with %s', async (status, cause, seen) => {
    const record = await run(['bridge sofia/gateway/gw/300', 'set never=1'], { 300: refuses(status) });
    expect(record).toMatchObject({ cause, status: seen, reason: cause });
    expect(names(record)).toEqual(['bridge']);
  });

  test('480 lets the dialplan go on, and its status is what the caller gets', async () => {
    const record = await run(['bridge sofia/gateway/gw/300', 'hangup 17'], { 300: refuses(480) });
    expect(record).toMatchObject({ cause: 'USER_BUSY', status: 480, reason: 'USER_BUSY' });
  });

  test('continue_on_fail lets the dialplan go on', async () => {
    const record = await run(
      ['set continue_on_fail=USER_BUSY', 'bridge sofia/gateway/gw/300', 'bridge sofia/gateway/gw2/301'],
      { 300: refuses(486), 301: ANSWERS },
    );
    expect(record).toMatchObject({ status: 200, cause: 'NORMAL_CLEARING' });
    expect(numbers(record)).toEqual(['300', '301']);
  });

  test('nobody answers in time: the dialplan goes on', async () => {
    const record = await run(['set call_timeout=2', 'bridge sofia/gateway/gw/300', 'hangup 21'], {
      300: RINGS,
    });
    expect(record).toMatchObject({
      cause: 'CALL_REJECTED',
      variables: { originate_disposition: 'NO_ANSWER', DIALSTATUS: 'NOANSWER' },
      progress: [{ action: 'ring' }, { action: 'hangup' }],
    });
  });

  test('nobody answers in time, and that is to end the call', async () => {
    const record = await run(
      ['set continue_on_fail=false', 'bridge {originate_timeout=2}sofia/gateway/gw/300', 'hangup 21'],
      { 300: {} },
    );
    expect(record).toMatchObject({ cause: 'NO_ANSWER', status: 480, reason: 'NO_ANSWER' });
  });

  test('the caller gives up', async () => {
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

describe('one after the other', () => {
  test('the first that answers', async () => {
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

  test('the cause of the last counts', async () => {
    const record = await run(['bridge sofia/gateway/gw/300|sofia/gateway/gw/301'], {
      300: refuses(486),
      301: refuses(404),
    });
    expect(record).toMatchObject({ cause: 'UNALLOCATED_NUMBER', status: 404 });
  });

  test('who does not answer in time ends the attempt', async () => {
    const dialString = 'bridge {originate_timeout=2}sofia/gateway/gw/300|sofia/gateway/gw/301';
    expect(numbers(await run([dialString], { 300: RINGS, 301: ANSWERS }))).toEqual(['300']);
    const on = dialString.replace('{', '{originate_continue_on_timeout=true,');
    expect(numbers(await run([on], { 300: RINGS, 301: ANSWERS }))).toEqual(['300', '301']);
  });

  test('early media connects, and ends the attempt', async () => {
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

describe('all at once', () => {
  test('the first to answer wins, the others lose the race', async () => {
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

  test('when all refuse, the cause is that of the first in the dial string', async () => {
    const record = await run(['bridge sofia/gateway/gw/300,sofia/gateway/gw/301'], {
      300: { refuse: { at: 200, status: 486 } },
      301: refuses(404),
    });
    expect(record).toMatchObject({ cause: 'USER_BUSY' });
  });

  test('a leg that cannot be made does not stop the others', async () => {
    const record = await run(['bridge sofia/gateway/nosuch/1,sofia/gateway/gw/301'], { 301: ANSWERS });
    expect(record).toMatchObject({ status: 200, invites: [{ number: '301' }] });
  });

  test('leg_timeout ends one leg alone', async () => {
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

  test('goes on with the dialplan when the called side hangs up', async () => {
    const record = await run(['bridge sofia/gateway/gw/300', 'hangup 21'], { 300: HANGS_UP }, {});
    expect(record).toMatchObject({ status: 200, cause: 'CALL_REJECTED' });
  });

  test('ends with the called side when that is wanted', async () => {
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
