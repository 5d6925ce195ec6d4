import { describe, expect, it } from 'vitest';
import {
  dialApplications,
  type FailurePolicy,
  hangupApplications,
  outcomeVariables,
  TAG_CALL,
} from '#libs/dialplan/applications.ts';

const BOUND = { cti_bridge: 'http://crm/b?n=1 1000 2000 1' };
const group = (...endpoints: string[]) => ({
  variables: {},
  legs: endpoints.map((one) => ({ endpoint: one, variables: {} })),
});
const lines = (applications: readonly { name: string; data: string }[]) =>
  applications.map(({ name, data }) => `${name} ${data}`.trim());

const DECIDED = { result: 'decided' } as const;
const OUTCOME = 'dialhook_result=decided;dialhook_error=';
const OFF = 'set app_disable_expand_variables=true';
const ON = 'app_disable_expand_variables=false';
const AFTER = 'hangup_after_bridge=true';
const ARGUMENTS = 'nolocal:cti_bridge=http://crm/b?n=1 1000 2000 1';
const EXPORTED = `${ARGUMENTS};export_vars=\${export_vars},nolocal:cti_bridge`;
const STOP = 'failure_causes=;continue_on_fail=false';
const ANY_CAUSE = 'failure_causes=;continue_on_fail=true';
const FORGET = 'last_bridge_proto_specific_hangup_cause=';
const multiset = (...settings: string[]) => `multiset ^^;${settings.join(';')}`;

const dial = (groups: Parameters<typeof dialApplications>[0], policy: FailurePolicy, variables = {}) =>
  lines(dialApplications(groups, { ...BOUND, ...variables }, DECIDED, policy));

it('TAG_CALL sets the uuid of the call on both legs and cti_bridge on the called legs', () => {
  expect(lines([TAG_CALL])).toEqual([
    'multiset ^^;dialhook_call=${uuid};export_vars=dialhook_call,cti_bridge,${export_vars}',
  ]);
});

describe('hangupApplications', () => {
  it.each([
    [{ cause: 'USER_BUSY' as const }, [multiset(OUTCOME), 'hangup USER_BUSY']],
    [{ sipcode: 603 }, [multiset(OUTCOME), 'respond 603', 'hangup']],
  ])('%j', (hangup, expected) => expect(lines(hangupApplications(hangup, DECIDED))).toEqual(expected));
});

describe('dialApplications', () => {
  it('bridges to one group and passes its cause to the caller', () => {
    expect(dial([group('user/1', 'user/2')], { finalCauses: ['DECLINE'] })).toEqual([
      multiset(AFTER, STOP, OUTCOME, EXPORTED),
      'bridge user/1,user/2',
      'hangup',
    ]);
  });

  it('dials the next group after a failure, but not after a final cause or the last group', () => {
    const groups = [group('user/1'), group('user/2'), group('user/3')];
    expect(dial(groups, { finalCauses: ['DECLINE', 'UNWANTED'] })).toEqual([
      multiset(AFTER, 'failure_causes=DECLINE,UNWANTED;continue_on_fail=', OUTCOME, EXPORTED),
      'bridge user/1',
      multiset(FORGET),
      'bridge user/2',
      multiset(FORGET, STOP),
      'bridge user/3',
      'hangup',
    ]);
  });

  it('dials the next group after any cause when none is final', () => {
    expect(dial([group('user/1'), group('user/2')], { finalCauses: [] })).toEqual([
      multiset(AFTER, ANY_CAUSE, OUTCOME, EXPORTED),
      'bridge user/1',
      multiset(FORGET, STOP),
      'bridge user/2',
      'hangup',
    ]);
  });

  it('makes another request when every group has failed, without the variables of the decision', () => {
    const nextRequest = { socket: '127.0.0.1:8084|127.0.0.2:8084', attempt: 2 };
    expect(dial([group('user/1'), group('user/2')], { finalCauses: [], nextRequest }, { a: 'b' })).toEqual([
      multiset(AFTER, ANY_CAUSE, OUTCOME, `${ARGUMENTS};nolocal:a=b`, `${EXPORTED.split(';')[1]},nolocal:a`),
      'bridge user/1',
      multiset(FORGET),
      'bridge user/2',
      'unset nolocal:cti_bridge',
      'unset nolocal:a',
      'set dialhook_attempt=2',
      'socket 127.0.0.1:8084|127.0.0.2:8084',
      'hangup ${originate_failed_cause}',
    ]);
  });

  it('exports nothing without variables', () => {
    const written = lines(dialApplications([group('user/1')], {}, DECIDED, { finalCauses: [] }));
    expect(written).toEqual([multiset(AFTER, STOP, OUTCOME), 'bridge user/1', 'hangup']);
  });

  it.each(['PCMA,PCMU', 'a b', '100%', 'sip:1@h:5060', 'http://h/?a=b&c=d', '张三', '', '=', 'ARRAY', '~a'])(
    'exports %s unchanged in one multiset',
    (value) => {
      const written = dial([group('user/1')], { finalCauses: [] }, { v: value });
      const names = `${EXPORTED.split(';')[1]},nolocal:v`;
      expect(written[0]).toBe(multiset(AFTER, STOP, OUTCOME, ARGUMENTS, `nolocal:v=${value}`, names));
    },
  );

  it.each(["O'Brien", 'a;b', ' a', '[x]', 'a|b', '"a"'])(
    'exports a value that multiset would split with its own application: %s',
    (value) => {
      const written = dial([group('user/1')], { finalCauses: [] }, { v: value });
      expect(written.slice(0, -2)).toEqual([
        `export ${ARGUMENTS}`,
        `export nolocal:v=${value}`,
        multiset(AFTER, STOP, OUTCOME),
      ]);
    },
  );

  it('exports variables to the called legs only, without expansion', () => {
    const variables = { absolute_codec_string: 'PCMA,PCMU', effective_caller_id_name: "O'Brien $1 100%" };
    const written = dial([group('user/1')], { finalCauses: [] }, variables);
    expect(written.slice(0, -2)).toEqual([
      OFF,
      `export ${ARGUMENTS}`,
      'export nolocal:absolute_codec_string=PCMA,PCMU',
      "export nolocal:effective_caller_id_name=O'Brien $1 100%",
      multiset(ON, AFTER, STOP, OUTCOME),
    ]);
    expect(written.filter((line) => line.startsWith('export'))).toHaveLength(3);
  });

  it.each(['$', '${a}', '\\n', '\\'])('disables expansion while a variable with %s is exported', (value) => {
    const [first] = dial([group('user/1')], { finalCauses: [] }, { a: value });
    expect(first).toBe(OFF);
  });

  it('sets the error with its own application', () => {
    const outcome = { result: 'defaulted', error: 'http_status: 500; a=b' } as const;
    const written = lines(dialApplications([group('user/1')], BOUND, outcome, { finalCauses: [] }));
    expect(written.slice(0, -2)).toEqual([
      multiset(AFTER, STOP, 'dialhook_result=defaulted;dialhook_error=', EXPORTED),
      'set dialhook_error=http_status: 500; a=b',
    ]);
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
  ])('%#: contains nothing that FreeSWITCH expands', (outcome, variables) =>
    expect(outcomeVariables(outcome)).toEqual(variables),
  );
});
