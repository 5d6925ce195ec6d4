import { describe, expect, it } from 'vitest';
import {
  type Dial,
  dialApplications,
  hangupApplications,
  outcomeVariables,
  tagCall,
} from '#libs/dialplan/applications.ts';
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
const FORGET = 'last_bridge_proto_specific_hangup_cause=;last_bridge_hangup_cause=;originate_failed_cause=';
const STOP = 'failure_causes=;continue_on_fail=REQUESTED_CHAN_UNAVAIL';
/** Reached after a redirect of the last target only. */
const END = ['multiset ^^;last_bridge_proto_specific_hangup_cause=', 'hangup ${originate_failed_cause}'];
const bridge = (endpoints: string, more = '', first = '') =>
  `bridge {^^;${first}${CALLED}${more}}${endpoints}`;
const AT_ONCE = 'ignore_early_media=true;';
const enterAs = (entry: string) => [
  `multiset ^^;dialhook_entry=${entry};dialhook_cause=\${last_bridge_hangup_cause}`,
  `socket ${SOCKET}`,
];
/** The settings in a `multiset`. */
const settingsOf = (line = '') => {
  const [, list = ''] = /^multiset \^\^;(.*)$/.exec(line) ?? [];
  return Object.fromEntries(
    list.split(';').map((one) => one.split(/=(.*)/s).slice(0, 2) as [string, string]),
  );
};

it('tagCall gives both legs the uuid of the call and its cti_bridge', () => {
  expect(lines([tagCall({ dialhook_caller: 'WyIxIl0' })])).toEqual([
    'multiset ^^;dialhook_call=${uuid};dialhook_caller=WyIxIl0;export_vars=dialhook_call,cti_bridge,dialhook_notify,dialhook_caller,${export_vars}',
  ]);
});

describe('hangupApplications', () => {
  const first = 'multiset ^^;dialhook_attempt=2;dialhook_result=decided;dialhook_error=';
  it.each([
    [{ cause: 'USER_BUSY' as const }, [first, 'hangup USER_BUSY']],
    [{ sipcode: 603 }, [first, 'respond 603', 'hangup']],
  ])('%j', (hangup, expected) => expect(lines(hangupApplications(hangup, DECIDED, 2))).toEqual(expected));
});

describe('dialApplications', () => {
  it('bridges to one group and gives the caller its cause', () => {
    const [settings, ...rest] = dial([group('user/1', 'user/2')], {
      policy: { ...POLICY, finalCauses: ['DECLINE'] },
    });
    expect(settingsOf(settings)).toEqual({
      last_bridge_proto_specific_hangup_cause: '',
      last_bridge_hangup_cause: '',
      originate_failed_cause: '',
      hangup_after_bridge: 'true',
      sip_copy_custom_headers: 'false',
      initial_callee_id_number: '0555',
      initial_callee_id_name: '0555',
      ignore_display_updates: 'true',
      dialhook_entry: '',
      failure_causes: '',
      continue_on_fail: 'REQUESTED_CHAN_UNAVAIL',
      execute_on_blind_transfer_dialhook: expect.stringMatching(/^multiset \^\^\|/),
      dialhook_attempt: '1',
      dialhook_result: 'decided',
      dialhook_error: '',
    });
    expect(rest).toEqual([bridge('user/1,user/2', '', AT_ONCE), ...END]);
  });

  it('continues after a failed group unless its cause is final, and stops after the last group', () => {
    const groups = [group('user/1'), group('user/2'), group('user/3')];
    const [settings, ...rest] = dial(groups, {
      policy: { ...POLICY, finalCauses: ['DECLINE', 'UNWANTED'] },
    });
    expect(settingsOf(settings)).toMatchObject({ failure_causes: 'DECLINE,UNWANTED', continue_on_fail: '' });
    expect(rest).toEqual([
      bridge('user/1'),
      `multiset ^^;${FORGET}`,
      bridge('user/2'),
      `multiset ^^;${FORGET};${STOP}`,
      bridge('user/3'),
      ...END,
    ]);
  });

  it('continues after any cause when none is final', () => {
    const [settings] = dial([group('user/1'), group('user/2')]);
    expect(settingsOf(settings)).toMatchObject({ failure_causes: '', continue_on_fail: 'true' });
  });

  it('enters the agent again between groups when a SIP status is final, which FreeSWITCH cannot see', () => {
    const policy = { ...POLICY, finalCauses: ['sip:603' as const, 'DECLINE' as const], socket: SOCKET };
    const [settings, ...rest] = dial([group('user/1'), group('user/2')], { policy });
    expect(settingsOf(settings)).toMatchObject({
      dialhook_final: 'sip:603,DECLINE',
      dialhook_on_redirect: 'fail',
      failure_causes: 'DECLINE',
    });
    expect(rest).toEqual([
      bridge('user/1'),
      ...enterAs('next'),
      `multiset ^^;${FORGET};${STOP}`,
      bridge('user/2'),
      ...END,
    ]);
  });

  it('does not enter the agent again when the hosts of the dialplan are not known', () => {
    const policy = { ...POLICY, finalCauses: ['sip:603' as const], requestAgain: true };
    expect(dial([group('user/1'), group('user/2')], { policy }).join()).not.toContain('socket');
  });

  it('enters the agent again when every group has failed and on_fail is request', () => {
    const policy = { ...POLICY, requestAgain: true, socket: SOCKET };
    expect(dial([group('user/1'), group('user/2')], { policy }).slice(1)).toEqual([
      bridge('user/1'),
      `multiset ^^;${FORGET}`,
      bridge('user/2'),
      ...enterAs('failed'),
      'hangup ${dialhook_cause}',
    ]);
  });

  it('enters the agent again after every group when on_redirect is request', () => {
    const policy = { ...POLICY, onRedirect: 'request' as const, socket: SOCKET };
    expect(dial([group('user/1'), group('user/2')], { policy }).slice(1)).toEqual([
      bridge('user/1'),
      ...enterAs('next'),
      `multiset ^^;${FORGET}`,
      bridge('user/2'),
      ...enterAs('last'),
      'hangup ${dialhook_cause}',
    ]);
  });

  it.each(['PCMA,PCMU', 'a b', '100%', 'sip:1@h:5060', 'http://h/?a=b&c=d', '张三', '=', 'ARRAY', '~a'])(
    'writes %s into the dial string',
    (value) => {
      const [, second] = dial([group('user/1')], withVariables({ v: value }));
      expect(second).toBe(bridge('user/1', `;v=${value}`));
    },
  );

  it.each(["O'Brien", 'a;b', ' a', '[x]', 'a|b', '"a"'])(
    'exports what a dial string cannot hold, and undoes that on transfer: %s',
    (value) => {
      const written = dial([group('user/1')], withVariables({ v: value }));
      expect(written[0]).toMatch(
        /^multiset \^\^;execute_on_blind_transfer_dialhook=multiset \^\^\|export_vars=\$\{export_vars\}\|/,
      );
      expect(written[0]).toContain('|nolocal:v=|');
      expect(written[1]).toBe(`export nolocal:v=${value}`);
      expect(written.at(-3)).toBe(bridge('user/1'));
    },
  );

  it.each(['$', '$1 a', '\\n', '\\'])('exports %s while nothing is expanded', (value) => {
    const written = dial([group('user/1')], withVariables({ v: value }));
    expect(written.slice(1, 3)).toEqual([OFF, `export nolocal:v=${value}`]);
    expect(settingsOf(written[3])).toMatchObject({ app_disable_expand_variables: 'false' });
  });

  it('unsets on transfer all that it sets on the caller leg for the time of the bridges', () => {
    const policy = { ...POLICY, requestAgain: true, socket: SOCKET };
    const given = { policy, plan: { variables: {}, pass_headers: false, media: 'bypass' as const } };
    const [line = ''] = dial([group('user/1')], given);
    const undo = /execute_on_blind_transfer_dialhook=multiset \^\^\|([^;]*)/.exec(line)?.[1]?.split('|');
    expect(undo).toEqual(
      [
        'hangup_after_bridge',
        'sip_copy_custom_headers',
        'initial_callee_id_number',
        'initial_callee_id_name',
        'ignore_display_updates',
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

  it('undoes first what an earlier decision about the call has set', () => {
    const undo = 'multiset ^^|export_vars=a,b|bypass_media=|nolocal:v=';
    expect(dial([group('user/1')], { undo })[0]).toBe('multiset ^^|export_vars=a,b|bypass_media=|nolocal:v=');
  });

  it.each(['', 'system reboot', 'multiset ^^|a=${system(reboot)}', 'multiset ^^|a\nb'])(
    'runs nothing else that it finds on the channel: %j',
    (undo) => expect(dial([group('user/1')], { undo })).toHaveLength(4),
  );

  it('ends each leg after its own ring time, and starts it after its own delay', () => {
    const legs = [
      { endpoint: 'user/1', variables: { a: '1' }, timeout: 10 },
      { endpoint: 'user/2', variables: {}, delay: 5, timeout: 20 },
    ];
    const written = dial([{ variables: {}, legs }]);
    expect(written.at(-3)).toBe(
      bridge(
        '[^^;a=1;execute_on_originate=sched_hangup +11 NO_ANSWER;execute_on_answer=sched_cancel]user/1,' +
          '[^^;leg_delay_start=5;execute_on_originate=sched_hangup +26 NO_ANSWER;execute_on_answer=sched_cancel]user/2',
        '',
        `${AT_ONCE}originate_timeout=27;`,
      ),
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
    const [, second] = dial([group('user/1', 'user/2')], withVariables({ ignore_early_media: 'false' }));
    expect(second).toContain('ignore_early_media=false;');
    expect(second).not.toContain('ignore_early_media=true');
  });

  it('writes an error text with an application of its own', () => {
    const outcome = { result: 'defaulted', error: 'http_status: 500; a=b' } as const;
    const written = dial([group('user/1')], { outcome });
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
