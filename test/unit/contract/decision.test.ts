import { describe, expect, it } from 'vitest';
import { Decision } from '#libs/contract/decision.ts';
import { problem } from '#libs/contract/problem.ts';

const GATEWAY = { type: 'gateway', number: '1', gateway: 'gw' };
const HANGUP = { type: 'hangup' };
const HOSTILE = '${system(reboot)}\n\nexit';

const NUMBER =
  'dial.number may contain only digits, letters and * # + _ . -, and parameters such as ;npdi;rn=+13125550199';

describe('Decision', () => {
  it.each([
    [
      'a gateway, with variables',
      {
        variables: { origination_caller_id_number: '123', absolute_codec_string: 'PCMA,PCMU' },
        dial: GATEWAY,
      },
      {
        variables: { origination_caller_id_number: '123', absolute_codec_string: 'PCMA,PCMU' },
        dial: GATEWAY,
        strategy: 'sequential',
      },
    ],
    [
      'numbers and booleans as text',
      { variables: { a: 1, b: 1.5, c: true, d: '' }, dial: { ...GATEWAY, number: 123456 } },
      { variables: { a: '1', b: '1.5', c: 'true', d: '' }, dial: { ...GATEWAY, number: '123456' } },
    ],
    [
      'a user',
      { dial: { type: 'user', number: '1', user: '1000', domain: 'pbx.example:5060' } },
      { dial: { type: 'user', number: '1', user: '1000', domain: 'pbx.example:5060' } },
    ],
    [
      'an address, profile external by default',
      { dial: { type: 'ip', number: '1', ip: '[2001:db8::1]:5060' } },
      { dial: { type: 'ip', number: '1', ip: '[2001:db8::1]:5060', sofia: 'external' } },
    ],
    [
      'a dial string',
      { dial: { type: 'dialstring', dialstring: 'user/1000' }, strategy: 'simultaneous' },
      { dial: { type: 'dialstring', dialstring: 'user/1000' }, strategy: 'simultaneous' },
    ],
    ['a list', { dial: [GATEWAY, GATEWAY] }, { dial: [GATEWAY, GATEWAY] }],
    ['a bare hangup', { dial: HANGUP }, { variables: {}, dial: HANGUP }],
    ['a cause by number', { dial: { ...HANGUP, cause: 17 } }, { dial: { ...HANGUP, cause: 'USER_BUSY' } }],
    [
      'a cause by name',
      { dial: { ...HANGUP, cause: 'user_busy' } },
      { dial: { ...HANGUP, cause: 'USER_BUSY' } },
    ],
    [
      'a cause by text',
      { dial: { ...HANGUP, cause: '613' } },
      { dial: { ...HANGUP, cause: 'SRTP_READ_ERROR' } },
    ],
    ['a SIP status', { dial: { ...HANGUP, sipcode: 400 } }, { dial: { ...HANGUP, sipcode: 400 } }],
    ['a SIP status as text', { dial: { ...HANGUP, sipcode: '699' } }, { dial: { ...HANGUP, sipcode: 699 } }],
    ['what to do about a failure', { dial: GATEWAY }, { on_fail: 'hangup' }],
    [
      'causes that are final',
      { dial: GATEWAY, on_fail: 'request', final_causes: [17, 'decline', '616', 'sip:603', 'SIP:6XX'] },
      { on_fail: 'request', final_causes: ['USER_BUSY', 'DECLINE', 'DECLINE', 'sip:603', 'sip:6xx'] },
    ],
    ['no final cause', { dial: GATEWAY, final_causes: [] }, { final_causes: [] }],
    ['keys it does not know', { dial: HANGUP, comment: HOSTILE }, { dial: HANGUP }],
  ])('reads %s', (_, answer, decision) => {
    expect(Decision.parse(answer)).toMatchObject(decision);
  });

  const target = 'dial must be a target, a list of targets or a hangup';
  const sofiaName = 'may contain only letters, digits and _ . + -';
  const hostPort = 'may contain only letters, digits and . -, and a port, or an IPv6 address in brackets';
  const cause = 'dial.cause must be the name or the number of a FreeSWITCH hangup cause';
  const status = 'dial.sipcode must be from 400 to 699';
  it.each<[unknown, string]>([
    [null, 'the answer must be an object, not null'],
    [HOSTILE, 'the answer must be an object, not text'],
    [[], 'the answer must be an object, not a list'],
    [{}, `${target}, but is missing`],
    [{ dial: HOSTILE }, `${target}, not text`],
    [{ dial: null }, `${target}, not null`],
    [{ dial: {} }, 'dial.type must be one of gateway, user, ip, dialstring or hangup'],
    [{ dial: { type: HOSTILE } }, 'dial.type must be one of gateway, user, ip, dialstring or hangup'],
    [
      { dial: { type: 'gateway', gateway: 'gw' } },
      'dial.number must be text or a whole number, but is missing',
    ],
    [{ dial: { ...GATEWAY, number: null } }, 'dial.number must be text or a whole number, not null'],
    [{ dial: { ...GATEWAY, number: 1.5 } }, 'dial.number must be text or a whole number'],
    [{ dial: { ...GATEWAY, number: -1 } }, 'dial.number must not be negative'],
    [{ dial: { ...GATEWAY, number: HOSTILE } }, NUMBER],
    [{ dial: { ...GATEWAY, number: '' } }, NUMBER],
    [{ dial: { ...GATEWAY, number: '1'.repeat(129) } }, 'dial.number must be at most 128 characters'],
    [
      { dial: { ...GATEWAY, gateway: HOSTILE } },
      'dial.gateway must be a gateway name of letters, digits and _ . + -, or PROFILE::GATEWAY',
    ],
    [{ dial: { type: 'gateway', number: '1' } }, 'dial.gateway is missing'],
    [{ dial: { ...GATEWAY, gateway: '+4930123' } }, 'dial.gateway must start with a letter, a digit or _'],
    [
      { dial: { ...GATEWAY, gateway: 'gw::-1' } },
      'dial.gateway must start with a letter, a digit or _ after ::',
    ],
    [
      { dial: { type: 'user', number: '1', user: '+4930123' } },
      'dial.user must start with a letter, a digit or _',
    ],
    [{ dial: { type: 'user', number: '1', user: 1000 } }, 'dial.user must be text, not a number'],
    [
      { dial: { type: 'ip', number: '1', ip: '2001:db8::1' } },
      'dial.ip must have an IPv6 address in brackets',
    ],
    [
      { dial: { type: 'ip', number: '1', ip: 'host:123456' } },
      'dial.ip must have a port of at most 5 digits',
    ],
    [
      { dial: { type: 'ip', number: '1', ip: 'host.' } },
      'dial.ip must start and end with a letter or a digit',
    ],
    [
      { dial: { type: 'ip', number: '1', ip: 'host:' } },
      'dial.ip must be HOST or HOST:PORT, an IPv6 address in brackets',
    ],
    [{ dial: { ...GATEWAY, profile: HOSTILE } }, 'dial has unknown keys: profile'],
    [{ dial: { type: 'user', number: '1', user: HOSTILE } }, `dial.user ${sofiaName}`],
    [{ dial: { type: 'user', number: '1', user: '1', domain: HOSTILE } }, `dial.domain ${hostPort}`],
    [{ dial: { type: 'ip', number: '1', ip: HOSTILE } }, `dial.ip ${hostPort}`],
    [{ dial: { type: 'ip', number: '1', ip: 'host', sofia: 'a/b' } }, `dial.sofia ${sofiaName}`],
    [{ dial: { type: 'dialstring' } }, 'dial.dialstring is missing'],
    [{ dial: { type: 'dialstring', dialstring: '' } }, 'dial.dialstring must not be empty'],
    [
      { dial: { type: 'dialstring', dialstring: 'x'.repeat(4097) } },
      'dial.dialstring must be at most 4096 characters',
    ],
    [{ dial: { ...HANGUP, cause: HOSTILE } }, cause],
    [{ dial: { ...HANGUP, cause: 4 } }, cause],
    [{ dial: { ...HANGUP, cause: 16.5 } }, cause],
    [{ dial: { ...HANGUP, cause: true } }, `${cause}, not true`],
    [{ dial: { ...HANGUP, cause: 'x'.repeat(65) } }, cause],
    [{ dial: { ...HANGUP, sipcode: 399 } }, status],
    [{ dial: { ...HANGUP, sipcode: 700 } }, status],
    [{ dial: { ...HANGUP, sipcode: 500.5 } }, status],
    [{ dial: { ...HANGUP, sipcode: '5xx' } }, status],
    [{ dial: { ...HANGUP, sipcode: HOSTILE } }, status],
    [{ dial: { ...HANGUP, sipcode: {} } }, `${status}, not an object`],
    [{ dial: { ...HANGUP, gateway: 'gw' } }, 'dial has unknown keys: gateway'],
    [{ dial: [] }, 'dial must name a target'],
    [{ dial: Array(17).fill(GATEWAY) }, 'dial must name at most 16 targets'],
    [{ dial: [GATEWAY, HANGUP] }, 'dial.1.type must be one of gateway, user, ip or dialstring in a list'],
    [{ dial: [GATEWAY, { type: 'ip', number: '1' }] }, 'dial.1.ip is missing'],
    [{ dial: HANGUP, strategy: HOSTILE }, 'strategy must be sequential or simultaneous'],
    [{ dial: HANGUP, on_fail: HOSTILE }, 'on_fail must be hangup or request'],
    [{ dial: HANGUP, final_causes: 17 }, 'final_causes must be a list, not a number'],
    [
      { dial: HANGUP, final_causes: [17, HOSTILE] },
      'final_causes.1 must be a FreeSWITCH hangup cause, or a SIP status such as sip:603 or sip:6xx',
    ],
    [{ dial: HANGUP, final_causes: Array(65).fill(17) }, 'final_causes must name at most 64 causes'],
    [{ dial: HANGUP, variables: [] }, 'variables must be an object, not a list'],
    [
      { dial: HANGUP, variables: { a: null } },
      'variables.a must be a string, a number or a boolean, not null',
    ],
    [
      { dial: HANGUP, variables: { a: [HOSTILE] } },
      'variables.a must be a string, a number or a boolean, not a list',
    ],
    [
      { dial: HANGUP, variables: { a: HOSTILE } },
      'variables.a must not contain control characters or line ends',
    ],
    [
      { dial: HANGUP, variables: { a: '${x}' } },
      'variables.a must not contain ${, which FreeSWITCH would expand',
    ],
    [
      { dial: HANGUP, variables: { 'a b': '1' } },
      'variables.a b may contain only letters, digits and _ . -, and must start with a letter or _',
    ],
    [
      { dial: HANGUP, variables: Object.fromEntries(Array.from({ length: 129 }, (_, n) => [`v${n}`, n])) },
      'variables must hold at most 128 variables',
    ],
  ])('refuses %#, naming the field and not the value', (answer, words) => {
    const read = Decision.safeParse(answer, { reportInput: true });
    expect(read.error && problem(read.error)).toBe(words);
  });
});
