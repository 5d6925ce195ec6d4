import { describe, expect, it } from 'vitest';
import type { FailurePolicy } from '#libs/dialplan/after-failure.ts';
import { type Dial, dialApplications, hangupApplications, tagCall } from '#libs/dialplan/applications.ts';
import { outcomeVariables } from '#libs/dialplan/outcome.ts';
import { dialOf, POLICY } from '#test/support/dialplan/dial.ts';

const group = (...endpoints: string[]) => ({
  variables: {},
  legs: endpoints.map((one) => ({ endpoint: one, variables: {} })),
});
const lines = (applications: readonly { name: string; data: string }[]) =>
  applications.map(({ name, data }) => `${name} ${data}`.trim());
const dial = (groups: Dial['groups'], given: Partial<Dial> = {}) =>
  lines(dialApplications(dialOf(groups, given)));
const withVariables = (variables: Record<string, string>) => ({
  plan: { variables, pass_headers: false },
});

const DECIDED = { result: 'decided' } as const;
const OFF = 'set app_disable_expand_variables=true';
const SOCKET = '127.0.0.1:8084|127.0.0.2:8084';
/** What every called leg gets when CALLER dials without settings of its own. */
const CALLED =
  'outbound_redirect_fatal=true;sip_copy_custom_headers=false;origination_callee_id_number=0555;origination_callee_id_name=0555;ignore_display_updates=true';
const FORGET =
  'last_bridge_proto_specific_hangup_cause=;last_bridge_hangup_cause=;originate_failed_cause=;sip_invite_failure_status=';
const STOP = 'failure_causes=;continue_on_fail=REQUESTED_CHAN_UNAVAIL';
/** Reached after a redirect of the last target only. */
const CAUSE =
  'dialhook_cause=${originate_failed_cause};dialhook_cause${originate_failed_cause}=${last_bridge_hangup_cause}';
const END = [`multiset ^^;last_bridge_proto_specific_hangup_cause=;${CAUSE}`, 'hangup ${dialhook_cause}'];
const bridge = (endpoints: string, more = '', first = '') =>
  `bridge {^^;${first}${CALLED}${more}}${endpoints}`;
const AT_ONCE = 'ignore_early_media=true;';
const enterAs = (entry: string) => [`multiset ^^;dialhook_entry=${entry};${CAUSE}`, `socket ${SOCKET}`];
/** The settings in a `multiset`. */
const settingsOf = (line = '') => {
  const [, list = ''] = /^multiset \^\^;(.*)$/.exec(line) ?? [];
  return Object.fromEntries(
    list.split(';').map((one) => one.split(/=(.*)/s).slice(0, 2) as [string, string]),
  );
};

it('tagCall gives both legs the id of the call and its cti_bridge', () => {
  expect(lines([tagCall('c', { dialhook_caller: 'WyIxIl0' })])).toEqual([
    'multiset ^^;dialhook_call=c;dialhook_caller=WyIxIl0;export_vars=dialhook_call,cti_bridge,dialhook_notify,dialhook_attempt,dialhook_caller,${export_vars};attended_transfer_no_copy=dialhook_call,cti_bridge,dialhook_notify,dialhook_attempt,dialhook_caller,dialhook_notify_url,dialhook_data,dialhook_transfers,dialhook_skipped,originated_legs,originate_causes,${attended_transfer_no_copy}',
  ]);
});

describe('hangupApplications', () => {
  const first = 'multiset ^^;dialhook_attempt=1;dialhook_result=decided;dialhook_error=';
  const hangup = { cause: 'USER_BUSY' as const };
  it.each([
    [hangup, [first, 'hangup USER_BUSY']],
    [{ sipcode: 603 }, [first, 'respond 603', 'hangup']],
  ])('%j', (given, expected) => expect(lines(hangupApplications(given, DECIDED, 1))).toEqual(expected));

  it.each([
    [false, 'pre_answer'],
    [true, 'answer'],
  ])('plays a sound before, answer: %j', (answer, application) => {
    const announcement = { path: 'ivr/no.wav', answer };
    expect(lines(hangupApplications(hangup, DECIDED, 1, {}, announcement)).slice(1)).toEqual([
      application,
      'playback ivr/no.wav',
      'hangup USER_BUSY',
    ]);
  });

  it('unsets the SIP status of the targets of an earlier decision', () => {
    const [settings] = lines(hangupApplications(hangup, DECIDED, 2));
    expect(settingsOf(settings)).toMatchObject({ last_bridge_proto_specific_hangup_cause: '' });
  });
});

describe('dialApplications', () => {
  it('bridges to one group and gives the caller its cause', () => {
    const [settings, ...rest] = dial([group('sofia/gateway/gw/1', 'sofia/gateway/gw/2')], {
      policy: { ...POLICY, finalCauses: ['DECLINE'] },
    });
    expect(settingsOf(settings)).toEqual({
      last_bridge_proto_specific_hangup_cause: '',
      last_bridge_hangup_cause: '',
      originate_failed_cause: '',
      sip_invite_failure_status: '',
      hangup_after_bridge: 'true',
      sip_copy_custom_headers: 'false',
      initial_callee_id_number: '0555',
      initial_callee_id_name: '0555',
      ignore_display_updates: 'true',
      bridge_export_vars: 'ignore_display_updates,${bridge_export_vars}',
      dialhook_entry: '',
      failure_causes: '',
      continue_on_fail: 'REQUESTED_CHAN_UNAVAIL',
      execute_on_blind_transfer_dialhook: expect.stringMatching(/^multiset \^\^\|/),
      dialhook_attempt: '1',
      dialhook_result: 'decided',
      dialhook_error: '',
    });
    expect(rest).toEqual([bridge('sofia/gateway/gw/1,sofia/gateway/gw/2', '', AT_ONCE), ...END]);
  });

  it('continues after a failed group unless its cause is final, and stops after the last group', () => {
    const groups = [group('sofia/gateway/gw/1'), group('sofia/gateway/gw/2'), group('sofia/gateway/gw/3')];
    const [settings, ...rest] = dial(groups, {
      policy: { ...POLICY, finalCauses: ['DECLINE', 'UNWANTED'] },
    });
    expect(settingsOf(settings)).toMatchObject({ failure_causes: 'DECLINE,UNWANTED', continue_on_fail: '' });
    expect(rest).toEqual([
      bridge('sofia/gateway/gw/1'),
      `multiset ^^;${FORGET}`,
      bridge('sofia/gateway/gw/2'),
      `multiset ^^;${FORGET};${STOP}`,
      bridge('sofia/gateway/gw/3'),
      ...END,
    ]);
  });

  it('continues after any cause when none is final', () => {
    const [settings] = dial([group('sofia/gateway/gw/1'), group('sofia/gateway/gw/2')]);
    expect(settingsOf(settings)).toMatchObject({ failure_causes: '', continue_on_fail: 'true' });
  });

  it('enters the agent again between groups when a SIP status is final, which FreeSWITCH cannot see', () => {
    const policy = { ...POLICY, finalCauses: ['sip:603' as const, 'DECLINE' as const], socket: SOCKET };
    const [settings, ...rest] = dial([group('sofia/gateway/gw/1'), group('sofia/gateway/gw/2')], { policy });
    expect(settingsOf(settings)).toMatchObject({
      dialhook_final: 'sip:603,DECLINE',
      dialhook_on_redirect: 'fail',
      failure_causes: 'DECLINE',
    });
    expect(rest).toEqual([
      bridge('sofia/gateway/gw/1'),
      ...enterAs('next'),
      `multiset ^^;${FORGET};${STOP}`,
      bridge('sofia/gateway/gw/2'),
      ...END,
    ]);
  });

  it('does not enter the agent again when the hosts of the dialplan are not known', () => {
    const policy = { ...POLICY, finalCauses: ['sip:603' as const], requestAgain: true };
    expect(dial([group('sofia/gateway/gw/1'), group('sofia/gateway/gw/2')], { policy }).join()).not.toContain(
      'socket',
    );
  });

  it('enters the agent again when every group has failed and on_fail is request', () => {
    const policy = { ...POLICY, requestAgain: true, socket: SOCKET };
    expect(dial([group('sofia/gateway/gw/1'), group('sofia/gateway/gw/2')], { policy }).slice(1)).toEqual([
      bridge('sofia/gateway/gw/1'),
      `multiset ^^;${FORGET}`,
      bridge('sofia/gateway/gw/2'),
      ...enterAs('failed'),
      'hangup ${dialhook_cause}',
    ]);
  });

  it('enters the agent again after every group when on_redirect is request', () => {
    const policy = { ...POLICY, onRedirect: 'request' as const, socket: SOCKET };
    expect(dial([group('sofia/gateway/gw/1'), group('sofia/gateway/gw/2')], { policy }).slice(1)).toEqual([
      bridge('sofia/gateway/gw/1'),
      ...enterAs('next'),
      `multiset ^^;${FORGET}`,
      bridge('sofia/gateway/gw/2'),
      ...enterAs('last'),
      'hangup ${dialhook_cause}',
    ]);
  });

  it('dials the address of a redirect once after each target when on_redirect is follow', () => {
    const policy = { ...POLICY, onRedirect: 'follow' as const, socket: SOCKET };
    const legs = [{ endpoint: 'sofia/gateway/gw/1', variables: { a: '1' }, timeout: 5 }];
    const [settings, ...rest] = dial([{ variables: {}, legs }, group('sofia/gateway/gw/2')], { policy });
    expect(settingsOf(settings)).toMatchObject({
      dialhook_on_redirect: 'follow',
      dialhook_redirect: '',
      dialhook_redirect_prefix: '',
    });
    const [first, checkpoint = '', ...others] = rest;
    const prefix = Buffer.from(
      settingsOf(checkpoint)['dialhook_redirect_prefix'] ?? '',
      'base64url',
    ).toString();
    expect(`bridge ${prefix}sofia/gateway/gw/1`).toBe(first);
    expect(settingsOf(checkpoint)).toMatchObject({ dialhook_entry: 'next', dialhook_redirect: '' });
    expect(others.map((line) => line.replace(/_prefix=[\w-]+/, '_prefix=X'))).toEqual([
      `socket ${SOCKET}`,
      'bridge ${dialhook_redirect}',
      `multiset ^^;${FORGET}`,
      bridge('sofia/gateway/gw/2'),
      `multiset ^^;dialhook_entry=last;${CAUSE};dialhook_redirect_prefix=X;dialhook_redirect=;${STOP}`,
      `socket ${SOCKET}`,
      'bridge ${dialhook_redirect}',
      ...END,
    ]);
  });

  it('enters the agent again after the address of a redirect when a request may follow', () => {
    const policy = { ...POLICY, onRedirect: 'follow' as const, requestAgain: true, socket: SOCKET };
    const lines = dial([group('sofia/gateway/gw/1')], { policy });
    expect(lines.filter((line) => line === `socket ${SOCKET}`)).toHaveLength(2);
    expect(lines.at(-3)).toContain('dialhook_redirect_prefix=;dialhook_redirect=');
    expect(lines.at(-1)).toBe('hangup ${dialhook_cause}');
  });

  it.each(['PCMA,PCMU', 'a b', '100%', 'sip:1@h:5060', 'http://h/?a=b&c=d', '张三', '=', 'ARRAY', '~a'])(
    'writes %s into the dial string',
    (value) => {
      const [, second] = dial([group('sofia/gateway/gw/1')], withVariables({ v: value }));
      expect(second).toBe(bridge('sofia/gateway/gw/1', `;v=${value}`));
    },
  );

  it.each(["O'Brien", 'a;b', ' a', '[x]', 'a|b', '"a"'])(
    'exports what a dial string cannot hold, and undoes that on transfer: %s',
    (value) => {
      const written = dial([group('sofia/gateway/gw/1')], withVariables({ v: value }));
      expect(written[0]).toMatch(
        /^multiset \^\^;execute_on_blind_transfer_dialhook=multiset \^\^\|export_vars=\$\{export_vars\}\|/,
      );
      expect(written[0]).toContain('|nolocal:v=|');
      expect(written[1]).toBe(`export nolocal:v=${value}`);
      expect(written.at(-3)).toBe(bridge('sofia/gateway/gw/1'));
    },
  );

  it.each(['$', '$1 a', '\\n', '\\'])('exports %s while nothing is expanded', (value) => {
    const written = dial([group('sofia/gateway/gw/1')], withVariables({ v: value }));
    expect(written.slice(1, 3)).toEqual([OFF, `export nolocal:v=${value}`]);
    expect(settingsOf(written[3])).toMatchObject({ app_disable_expand_variables: 'false' });
  });

  it('unsets on transfer all that it sets on the caller leg for the time of the bridges, except the display', () => {
    const policy = { ...POLICY, requestAgain: true, socket: SOCKET };
    const given = { policy, plan: { variables: {}, pass_headers: false, media: 'bypass' as const } };
    const [line = ''] = dial([group('sofia/gateway/gw/1')], given);
    const undo = /execute_on_blind_transfer_dialhook=multiset \^\^\|([^;]*)/.exec(line)?.[1]?.split('|');
    expect(undo).toEqual(
      [
        'hangup_after_bridge',
        'sip_copy_custom_headers',
        'bypass_media',
        'dialhook_final',
        'dialhook_on_redirect',
        'dialhook_entry',
        'failure_causes',
        'continue_on_fail',
        'execute_on_blind_transfer_dialhook',
      ].map((name) => `${name}=`),
    );
  });

  it.each(['ignore_display_updates', 'a,ignore_display_updates,b'])(
    'does not add to bridge_export_vars again: %s',
    (bridgeExports) => {
      const [line] = dial([group('sofia/gateway/gw/1')], { bridgeExports });
      expect(settingsOf(line)).not.toHaveProperty('bridge_export_vars');
    },
  );

  it('undoes first what an earlier decision about the call has set', () => {
    const undo = 'multiset ^^|export_vars=a,b|bypass_media=|nolocal:v=';
    expect(dial([group('sofia/gateway/gw/1')], { undo })[0]).toBe(
      'multiset ^^|export_vars=a,b|bypass_media=|nolocal:v=',
    );
  });

  it.each(['', 'system reboot', 'multiset ^^|a=${system(reboot)}', 'multiset ^^|a\nb'])(
    'runs nothing else that it finds on the channel: %j',
    (undo) => expect(dial([group('sofia/gateway/gw/1')], { undo })).toHaveLength(4),
  );

  it('ends each leg after its own ring time, and starts it after its own delay', () => {
    const legs = [
      { endpoint: 'sofia/gateway/gw/1', variables: { a: '1' }, timeout: 10 },
      { endpoint: 'sofia/gateway/gw/2', variables: {}, delay: 5, timeout: 20 },
    ];
    const written = dial([{ variables: {}, legs }]);
    expect(written.at(-3)).toBe(
      bridge(
        '[^^;a=1;execute_on_originate=sched_hangup +11 NO_ANSWER;execute_on_answer=sched_cancel]sofia/gateway/gw/1,' +
          '[^^;leg_delay_start=5;execute_on_originate=sched_hangup +26 NO_ANSWER;execute_on_answer=sched_cancel]sofia/gateway/gw/2',
        '',
        `${AT_ONCE}originate_timeout=27;`,
      ),
    );
  });

  it.each<[string, Partial<FailurePolicy>, string, boolean]>([
    ['causes', { retryCauses: ['USER_BUSY'] }, 'USER_BUSY,REQUESTED_CHAN_UNAVAIL', true],
    ['a redirect', { retryCauses: ['REQUESTED_CHAN_UNAVAIL'] }, 'REQUESTED_CHAN_UNAVAIL', false],
    ['none', { retryCauses: [] }, 'REQUESTED_CHAN_UNAVAIL', true],
    [
      'causes of which one is final',
      { retryCauses: ['USER_BUSY', 'NO_ANSWER'], finalCauses: ['USER_BUSY'] },
      'NO_ANSWER,REQUESTED_CHAN_UNAVAIL',
      true,
    ],
    ['a SIP status', { retryCauses: ['sip:5xx'] }, 'true', true],
  ])('continues only after the retry causes: %s', (_, given, continueOnFail, isEntered) => {
    const policy = { ...POLICY, socket: 'host:1', ...given };
    const written = dial([group('sofia/gateway/gw/1'), group('sofia/gateway/gw/2')], { policy });
    expect(settingsOf(written[0])).toMatchObject({ continue_on_fail: continueOnFail, failure_causes: '' });
    expect(written.some((one) => one.startsWith('socket '))).toBe(isEntered);
  });

  it('ends a leg that does not ring in time', () => {
    const legs = [{ endpoint: 'sofia/gateway/gw/1', variables: {}, progress_timeout: 4 }];
    expect(dial([{ variables: {}, legs }]).at(-3)).toBe(
      bridge('[^^;leg_progress_timeout=4]sofia/gateway/gw/1'),
    );
  });

  it('writes the parameters of a number behind it in the request URI of a gateway', () => {
    const legs = [{ endpoint: 'sofia/gateway/gw/1', tel_params: 'npdi;rn=+2', variables: {}, timeout: 3 }];
    expect(dial([{ variables: {}, legs }]).at(-3)).toBe(
      bridge(
        '[^^:execute_on_originate=sched_hangup +4 NO_ANSWER:execute_on_answer=sched_cancel:sip_invite_tel_params=npdi;rn=+2]sofia/gateway/gw/1',
        '',
        'originate_timeout=5;',
      ),
    );
  });

  it('lets a decision say what early media means for legs that ring at once', () => {
    const [, second] = dial(
      [group('sofia/gateway/gw/1', 'sofia/gateway/gw/2')],
      withVariables({ ignore_early_media: 'false' }),
    );
    expect(second).toContain('ignore_early_media=false;');
    expect(second).not.toContain('ignore_early_media=true');
  });

  it('writes an error text with an application of its own', () => {
    const outcome = { result: 'defaulted', error: 'http_status: 500; a=b' } as const;
    const written = dial([group('sofia/gateway/gw/1')], { outcome });
    expect(settingsOf(written[0])).toMatchObject({ dialhook_result: 'defaulted', dialhook_error: '' });
    expect(written[1]).toBe('set dialhook_error=http_status: 500; a=b');
  });
});

describe('outcomeVariables', () => {
  it.each([
    [DECIDED, { dialhook_result: 'decided', dialhook_error: '' }],
    [
      { result: 'http_status', error: 'a ${system(x)}\n\\b 100%' } as const,
      { dialhook_result: 'http_status', dialhook_error: 'a  {system(x)}  b 100%' },
    ],
    [
      { result: 'invalid_json', error: 'x'.repeat(501) } as const,
      { dialhook_result: 'invalid_json', dialhook_error: 'x'.repeat(500) },
    ],
  ])('%#: FreeSWITCH has nothing to expand in the text', (outcome, variables) =>
    expect(outcomeVariables(outcome)).toEqual(variables),
  );
});
