import { describe, expect, it } from 'vitest';
import { Decision } from '#libs/contract/decision.ts';
import { Plan } from '#libs/contract/plan.ts';
import { variablePolicy } from '#libs/contract/refused-variables.ts';
import { PlanError, planOf } from '#libs/dialplan/plan.ts';

const plan = (answer: unknown) => planOf(Decision.parse(answer));
const one = (endpoint: string) => ({ variables: {}, legs: [{ endpoint, variables: {} }] });
const gateway = (number: string) => ({ type: 'gateway', number, gateway: 'gw' });
const dialString = (dialstring: string) => ({ type: 'dialstring', dialstring });

describe('planOf', () => {
  it.each<[string, unknown, unknown]>([
    ['gateway', { dial: gateway('1') }, [one('sofia/gateway/gw/1')]],
    [
      'gateway and a number with parameters',
      { dial: { ...gateway('+1;npdi;rn=+2'), gateway: 'internal::gw' } },
      [
        {
          variables: {},
          legs: [{ endpoint: 'sofia/gateway/internal::gw/+1', tel_params: 'npdi;rn=+2', variables: {} }],
        },
      ],
    ],
    [
      'ip',
      { dial: { type: 'ip', number: '1', ip: '10.0.0.9:5060' } },
      [one('sofia/external/1@10.0.0.9:5060')],
    ],
    [
      'ip of a profile',
      { dial: { type: 'ip', number: '1', ip: '[::1]', sofia: 'internal' } },
      [one('sofia/internal/1@[::1]')],
    ],
    [
      'user',
      { dial: { type: 'user', number: '1', user: '1000' } },
      [{ variables: {}, legs: [{ user: '1000', number: '1', strategy: 'sequential', variables: {} }] }],
    ],
    [
      'user with a domain, all devices at once',
      { dial: { type: 'user', number: '1', user: '1000', domain: 'pbx' }, strategy: 'simultaneous' },
      [
        {
          variables: {},
          legs: [{ user: '1000', domain: 'pbx', number: '1', strategy: 'simultaneous', variables: {} }],
        },
      ],
    ],
    [
      'dial string, one after the other',
      { dial: dialString('{a=1}user/1,user/2') },
      [
        { variables: { a: '1' }, legs: [{ endpoint: 'user/1', variables: {} }] },
        { variables: { a: '1' }, legs: [{ endpoint: 'user/2', variables: {} }] },
      ],
    ],
    [
      'dial string, at once',
      { dial: dialString('{a=1}user/1,[b=2]user/2|user/3'), strategy: 'simultaneous' },
      [
        {
          variables: { a: '1' },
          legs: [
            { endpoint: 'user/1', variables: {} },
            { endpoint: 'user/2', variables: { b: '2' } },
          ],
        },
        { variables: { a: '1' }, legs: [{ endpoint: 'user/3', variables: {} }] },
      ],
    ],
    [
      'list in order',
      { dial: [gateway('1'), gateway('2')] },
      [one('sofia/gateway/gw/1'), one('sofia/gateway/gw/2')],
    ],
    [
      'list at once',
      { dial: [gateway('1'), dialString('{constructor=x}user/2,user/3')], strategy: 'simultaneous' },
      [
        {
          variables: { constructor: 'x' },
          legs: [
            { endpoint: 'sofia/gateway/gw/1', variables: {} },
            { endpoint: 'user/2', variables: {} },
            { endpoint: 'user/3', variables: {} },
          ],
        },
      ],
    ],
  ])('%s', (_, answer, groups) => {
    const planned = plan(answer);
    expect(planned).toEqual({
      groups,
      variables: {},
      on_fail: 'hangup',
      on_redirect: 'fail',
      pass_headers: false,
    });
    expect(Plan.parse(planned)).toEqual(planned);
  });

  it('contains the variables', () => {
    expect(plan({ dial: gateway('1'), variables: { a: 1 } })).toMatchObject({ variables: { a: '1' } });
  });

  it('contains on_fail and final_causes', () => {
    const planned = plan({ dial: gateway('1'), on_fail: 'request', final_causes: [17] });
    expect(planned).toMatchObject({ on_fail: 'request', final_causes: ['USER_BUSY'] });
  });

  it('resolves each spelling of the presentation and of the ring time into its field', () => {
    const variables = { origination_caller_id_number: 95588, originate_timeout: 20, a: 1 };
    const dial = [{ ...gateway('1'), timeout: 5 }, dialString('{originate_timeout=7}user/2'), gateway('3')];
    expect(plan({ dial, variables })).toMatchObject({
      caller_id: { number: '95588', name: '95588' },
      variables: { a: '1' },
      groups: [5, 7, 20].map((timeout) => ({ variables: {}, legs: [{ timeout }] })),
    });
  });

  it('takes the ring time and the delay of a leg from its brackets', () => {
    const dial = dialString('[leg_timeout=20,leg_delay_start=5,a=1]user/1,user/2');
    expect(plan({ dial, strategy: 'simultaneous' })).toMatchObject({
      groups: [{ legs: [{ timeout: 20, delay: 5, variables: { a: '1' } }, { variables: {} }] }],
    });
  });

  it('prefers the ring time of the target to that of the brackets', () => {
    expect(plan({ dial: { ...dialString('[leg_timeout=20]user/1'), timeout: 5 } })).toMatchObject({
      groups: [{ legs: [{ timeout: 5, variables: {} }] }],
    });
  });

  it.each([
    [undefined, {}],
    [['leg_end'], { notify: ['leg_end'] }],
    [[], { notify: [] }],
  ])('a hangup with notify %j', (notify, expected) => {
    const hangup = plan({ dial: { type: 'hangup', cause: 17 }, notify });
    expect(hangup).toEqual({ hangup: { cause: 'USER_BUSY' }, ...expected });
    expect(Plan.parse(hangup)).toEqual(hangup);
  });

  it.each<[unknown, string]>([
    ...[
      'sip_from_uri',
      'sip_from_display',
      'sip_invite_full_from',
      'sip_h_P-Asserted-Identity',
      'sip_h_p-preferred-identity',
      'sip_h_Remote-Party-ID',
    ].flatMap((name): [unknown, string][] => [
      [
        { dial: gateway('1'), variables: { [name]: 'x' } },
        `variables: ${name} is not accepted; use caller_id`,
      ],
      [
        { dial: [gateway('1'), dialString(`{${name}=x}user/1`)] },
        `dial.1.dialstring: ${name} is not accepted; use caller_id`,
      ],
    ]),
    [
      { dial: gateway('1'), variables: { sip_h_Privacy: 'id' } },
      'variables: sip_h_Privacy is not accepted; use caller_id.privacy',
    ],
    [
      { dial: gateway('1'), codecs: ['PCMA'], variables: { absolute_codec_string: 'PCMU' } },
      'variables: absolute_codec_string cannot be combined with codecs',
    ],
    [
      { dial: gateway('1'), early_media: 'ring', variables: { ignore_early_media: true } },
      'variables: ignore_early_media cannot be combined with early_media',
    ],
    [
      { dial: [gateway('1'), gateway('2')], strategy: 'simultaneous', early_media: 'pass' },
      'early_media: pass is not for targets that ring at the same time, of which only an answer wins',
    ],
    [{ dial: { type: 'hangup', answer: true } }, 'dial.answer: is only for a hangup with play'],
    [
      { dial: gateway('1'), warn: { before: 60, play: 'beep' } },
      'warn: needs max_duration, which it announces the end of',
    ],
    [
      { dial: gateway('1'), max_duration: 60, warn: { before: 60, play: 'beep' } },
      'warn.before: must be less than max_duration',
    ],
    ...(['bypass', 'proxy'] as const).map((media): [object, string] => [
      { dial: gateway('1'), record: {}, media },
      'record: cannot be combined with media, since FreeSWITCH records what passes through it',
    ]),
    [
      { dial: [gateway('1'), gateway('2')], strategy: 'simultaneous', record: { start: 'early_media' } },
      'record.start: early_media is not for targets that ring at the same time; use answer',
    ],
    [
      { dial: gateway('1'), confirm: { play: 'a' }, record: { start: 'early_media' } },
      'record.start: early_media cannot be combined with confirm or whisper; use answer',
    ],
    [
      { dial: gateway('1'), early_media: 'ignore', record: { start: 'early_media' } },
      'record.start: early_media needs early_media pass, its default; use answer',
    ],
    [
      { dial: gateway('1'), record: {}, variables: { Record_Stereo: 'false' } },
      'record: cannot be combined with the variable Record_Stereo',
    ],
    [
      { dial: dialString('[record_ms=1]user/1'), record: {} },
      'record: cannot be combined with the variable record_ms',
    ],
    [
      { dial: gateway('1'), variables: { leg_timeout: 20 } },
      'variables: leg_timeout is not accepted; use timeout of a target',
    ],
    [
      { dial: dialString('{leg_timeout=20}user/1') },
      'dial.dialstring: leg_timeout is not accepted; use timeout of a target',
    ],
    [
      { dial: dialString('[leg_timeout=soon]user/1') },
      'dial.dialstring: leg_timeout must be whole seconds from 1 to 600',
    ],
    [
      { dial: dialString('[leg_delay_start=5]user/1,user/2') },
      'dial: delay is only for targets that ring at the same time; add "strategy": "simultaneous"',
    ],
    [
      { dial: gateway('1'), variables: { sip_h_f: '<sip:1@h>' } },
      'sip_h_f is a variable that an endpoint must not set',
    ],
    [
      { dial: gateway('1'), caller_id: { number: '1' }, variables: { origination_caller_id_number: '2' } },
      'variables: origination_caller_id_number and _name cannot be combined with caller_id',
    ],
    [
      { dial: gateway('1'), variables: { originate_timeout: 'soon' } },
      'variables: originate_timeout must be whole seconds from 1 to 600',
    ],
    [
      { dial: [{ ...gateway('1'), delay: 5 }] },
      'dial: delay is only for targets that ring at the same time; add "strategy": "simultaneous"',
    ],
    [
      { dial: gateway('1'), variables: { effective_caller_id_number: '2' } },
      'variables: effective_caller_id_number is not accepted; use caller_id.number',
    ],
    [
      { dial: dialString('[Bypass_Media=true]user/1') },
      'dial.dialstring: Bypass_Media is not accepted; use media',
    ],
    [
      {
        dial: Array.from({ length: 16 }, (_, n) => gateway(String(n))),
        variables: Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`v${n}`, 'x'.repeat(4000)])),
      },
      'variables: too long for this number of targets',
    ],
  ])('refuses contradictions and variables without effect %#', (answer, words) =>
    expect(() => plan(answer)).toThrow(new PlanError(words)),
  );

  it.each([
    [{}, { cause: 'NORMAL_CLEARING' }],
    [{ cause: 17 }, { cause: 'USER_BUSY' }],
    [{ sipcode: 503 }, { sipcode: 503 }],
    [{ cause: 'CALL_REJECTED', sipcode: '603' }, { sipcode: 603 }],
  ])('hangup %j', (dial, hangup) => {
    expect(plan({ dial: { type: 'hangup', ...dial } })).toEqual({ hangup });
  });

  const many = (count: number, separator: string) =>
    dialString(Array.from({ length: count }, (_, n) => `user/${n}`).join(separator));
  it.each<[unknown, string]>([
    [{ dial: dialString('sofia/external/1') }, 'dial.dialstring: must be sofia/gateway/GATEWAY/NUMBER'],
    [
      { dial: [gateway('1'), dialString('{a}user/1')] },
      'dial.1.dialstring: a variable must be written name=value',
    ],
    [
      { dial: dialString("{a='x;y'}user/1") },
      'dial.dialstring: the value of a cannot be written in a dial string; put it into "variables"',
    ],
    [
      { dial: dialString('[a=x\\]y]user/1') },
      'dial.dialstring: the value of a cannot be written in a dial string; put it into "variables"',
    ],
    [
      { dial: [dialString('{a=1}user/1'), dialString('{a=2}user/2')], strategy: 'simultaneous' },
      'dial: targets that ring together set the variable a to different values',
    ],
    [
      { dial: [gateway('1'), dialString('user/1|user/2')], strategy: 'simultaneous' },
      'dial: a target that contains | cannot ring together with others',
    ],
    [{ dial: many(65, ',') }, 'dial: more than 64 legs'],
    ...[{ api_on_answer: 'x' }, { API_ON_ANSWER: 'x' }].map((variables): [unknown, string] => [
      { dial: gateway('1'), variables },
      `${Object.keys(variables)[0]} is a variable that an endpoint must not set`,
    ]),
    ...['{api_on_answer=x}', '{a=1}[api_on_answer=x]', '{^^;a=1;api_on_answer=x}'].map(
      (brackets): [unknown, string] => [
        { dial: dialString(`${brackets}user/1000`) },
        'api_on_answer is a variable that an endpoint must not set',
      ],
    ),
    ...["{a=:'_':}", "{a=:'_':loopback/app=system:reboot #}", "{a=origination_nested_vars'=true'}"].map(
      (brackets): [unknown, string] => [
        { dial: dialString(`${brackets}user/1000`) },
        'dial.dialstring: the value of a cannot be written in a dial string; put it into "variables"',
      ],
    ),
    [{ dial: many(65, ','), strategy: 'simultaneous' }, 'dial: more than 64 legs'],
    [{ dial: [many(40, '|'), many(40, '|')] }, 'dial: more than 64 legs'],
  ])('refuses %#', (answer, words) => {
    expect(() => plan(answer)).toThrow(PlanError);
    expect(() => plan(answer)).toThrow(words);
  });

  it('accepts variables that the operator allows, but never those of Dialhook itself', () => {
    const may = variablePolicy(['hold_music', 'execute_on_*', '*']);
    const answer = (name: string) =>
      planOf(Decision.parse({ dial: gateway('1'), variables: { [name]: 'x' } }), may);
    for (const name of ['hold_music', 'Execute_On_Answer', 'api_on_ring'])
      expect(answer(name)).toMatchObject({ variables: { [name]: 'x' } });
    for (const name of [
      'cti_bridge',
      'dialhook_call',
      'export_vars',
      '_nolocal_x',
      'origination_nested_vars',
    ])
      expect(() => answer(name)).toThrow(`${name} is a variable that an endpoint must not set`);
  });

  it('accepts 64 targets', () => {
    expect(Plan.safeParse(plan({ dial: many(64, ',') })).success).toBe(true);
  });
});
