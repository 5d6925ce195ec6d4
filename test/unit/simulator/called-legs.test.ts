import { describe, expect, test } from 'vitest';
import { ANSWERS, run, useNode } from '#test/support/simulator/run-call.ts';

useNode();

describe('called legs', () => {
  test('have the variables of exports, braces and brackets', async () => {
    const record = await run(
      [
        'export both=1',
        'export nolocal:origination_caller_id_number=555',
        'export nolocal:absolute_codec_string=PCMA,PCMU',
        "bridge {x=1,origination_caller_id_name='B, C'}[y=2]sofia/gateway/gw/300",
      ],
      { 300: ANSWERS },
    );
    expect(record.invites).toMatchObject([
      {
        endpoint: 'sofia/gateway/gw/300',
        number: '300',
        gateway: 'gw',
        callerNumber: '555',
        callerName: 'B, C',
        codecs: ['PCMA', 'PCMU'],
        variables: { both: '1', x: '1', y: '2', origination_caller_id_number: '555' },
      },
    ]);
    expect(record.variables).not.toHaveProperty('origination_caller_id_number');
  });

  test('take variables from braces first, the caller id from brackets first', async () => {
    const record = await run([
      'bridge {x=all,origination_caller_id_number=1}[x=one,origination_caller_id_number=2]sofia/gateway/gw/300',
      'hangup',
    ]);
    expect(record.invites).toMatchObject([{ callerNumber: '2', variables: { x: 'all' } }]);
  });

  test('take the caller id from effective_caller_id otherwise', async () => {
    const record = await run(['set effective_caller_id_number=7', 'bridge sofia/gateway/gw/300']);
    expect(record.invites).toMatchObject([{ callerNumber: '7', callerName: 'A' }]);
  });

  test.each([
    ['sofia/gateway/gw/300', { number: '300', gateway: 'gw', profile: 'external' }],
    ['sofia/external/300@10.0.0.9:5080', { number: '300', host: '10.0.0.9:5080', gateway: undefined }],
    [
      'sofia/internal/sip:300@10.0.0.9;transport=tcp',
      { number: '300', host: '10.0.0.9', profile: 'internal' },
    ],
    ['sofia/internal/1000%127.0.0.1', { number: '1000', host: '10.0.0.9:5060' }],
    ['user/1000', { number: '1000', host: '10.0.0.9:5060', profile: 'internal' }],
  ])('%s', async (endpoint, invite) => {
    expect((await run([`bridge ${endpoint}`])).invites).toMatchObject([invite]);
  });

  test('ring simultaneously on all devices of a user', async () => {
    const record = await run(['bridge user/2000@127.0.0.1'], { 2000: ANSWERS });
    expect(record.invites.map(({ host }) => host)).toEqual(['10.0.0.10:5060', '10.0.0.11:5062']);
  });

  test.each([
    ['sofia/gateway/nosuch/300', 'INVALID_GATEWAY', 484],
    ['sofia/gateway/gw', 'INVALID_URL', 484],
    ['sofia/nosuch/300@10.0.0.9', 'INVALID_PROFILE', 502],
    ['sofia/internal/4711', 'USER_NOT_REGISTERED', 480],
    ['user/3000', 'USER_NOT_REGISTERED', 480],
    ['user/4000', 'SUBSCRIBER_ABSENT', 480],
    ['error/user_busy', 'USER_BUSY', 486],
    ['nosuch/300', 'CHAN_NOT_IMPLEMENTED', 480],
  ])('are not created for %s', async (endpoint, cause, status) => {
    const record = await run([`bridge ${endpoint}`, 'set never=1']);
    expect(record).toMatchObject({
      invites: [],
      cause,
      status,
      reason: cause,
      variables: { originate_disposition: cause },
    });
  });

  test('are not created for an invalid dial string, and the dialplan continues', async () => {
    expect(await run(['bridge {x=1', 'hangup 17'])).toMatchObject({
      cause: 'USER_BUSY',
      variables: { originate_failed_cause: 'ORIGINATOR_CANCEL' },
    });
  });
});
