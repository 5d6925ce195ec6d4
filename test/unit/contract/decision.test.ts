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
    ['data of any type', { dial: GATEWAY, data: [{ a: null }, 1.5] }, { data: [{ a: null }, 1.5] }],
    ['1024 bytes of data', { dial: HANGUP, data: 'é'.repeat(511) }, { data: 'é'.repeat(511) }],
    [
      'a URL for notifications, percent-encoded',
      { dial: GATEWAY, notify_url: 'https://CRM.example/é $x#top' },
      { notify_url: 'https://crm.example/%C3%A9%20%24x' },
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
    [
      { dial: HANGUP, data: 'é'.repeat(512) },
      'data must be at most 1024 bytes as JSON; store more under a key of your own and send the key',
    ],
    [
      { dial: HANGUP, notify_url: 'ftp://crm.example/' },
      'notify_url must be a URL that starts with http:// or https:// and names a host',
    ],
    [{ dial: GATEWAY, confirm: {} }, 'confirm.play is missing'],
    [{ dial: GATEWAY, confirm: { play: 'a', key: '12' } }, 'confirm.key must be one of 0-9, * and #'],
    [
      { dial: GATEWAY, confirm: { play: 'a', timeout: 61 } },
      'confirm.timeout must be whole seconds from 1 to 60',
    ],
    [
      { dial: GATEWAY, whisper: { play: '../x' } },
      'whisper.play must be a name of letters, digits, _ and -, to which the operator gives a file',
    ],
    [{}, `${target}, but is missing`],
    [{ dial: GATEWAY, collect: {} }, 'collect cannot be combined with dial'],
    [{ collect: { min: 5, max: 3 } }, 'collect.max must be at least min'],
    [{ collect: { max: 0 } }, 'collect.max must be a whole number from 1 to 32'],
    [{ collect: { timeout: 90 } }, 'collect.timeout must be whole seconds from 1 to 60'],
    [{ collect: { terminators: '# ' } }, 'collect.terminators may contain only the digits 0-9, A-D, * and #'],
    [
      { collect: { play: '/etc/passwd' } },
      'collect.play must be a name of letters, digits, _ and -, to which the operator gives a file',
    ],
    [{ collect: { digits: 3 } }, 'collect has unknown keys: digits'],
    [{ collect: 'digits' }, 'collect must be an object, not text'],
    [{ dial: GATEWAY, codecs: [] }, 'codecs must name a codec'],
    [{ dial: GATEWAY, codecs: 'PCMA' }, 'codecs must be a list, not text'],
    [
      { dial: GATEWAY, codecs: ['PCMA,PCMU'] },
      'codecs.0 must be a codec of FreeSWITCH, such as PCMA or opus@48000h',
    ],
    [{ dial: GATEWAY, early_media: true }, 'early_media must be pass, ignore or ring'],
    [
      { dial: GATEWAY, ringback: '/etc/passwd' },
      'ringback must be a name of letters, digits, _ and -, to which the operator gives a file',
    ],
    [
      { dial: { type: 'ip', number: '1', ip: 'h', transport: 'ws' } },
      'dial.transport must be udp, tcp or tls',
    ],
    [
      { dial: { type: 'ip', number: '1', ip: 'h', srtp: 'yes' } },
      'dial.srtp must be true or false, not text',
    ],
    [{ dial: GATEWAY, max_duration: 0 }, 'max_duration must be whole seconds from 1 to 86400'],
    [{ dial: GATEWAY, max_duration: 1.5 }, 'max_duration must be whole seconds from 1 to 86400'],
    [{ dial: GATEWAY, max_duration: '60' }, 'max_duration must be a number, not text'],
    [
      { dial: GATEWAY, max_duration: 60, warn: { before: 1, play: '/etc/passwd' } },
      'warn.play must be a name of letters, digits, _ and -, to which the operator gives a file',
    ],
    [
      { dial: GATEWAY, max_duration: 60, warn: { before: 1, play: 'a', to: 'me' } },
      'warn.to must be caller, called or both',
    ],
    [{ dial: GATEWAY, record: true }, 'record must be an object, not true'],
    [{ dial: GATEWAY, record: { channels: 3 } }, 'record.channels must be 1 or 2'],
    [{ dial: GATEWAY, record: { channels: '2' } }, 'record.channels must be 1 or 2'],
    [{ dial: GATEWAY, record: { start: 'ringing' } }, 'record.start must be answer or early_media'],
    [
      { dial: GATEWAY, record: { announce: '../x' } },
      'record.announce must be a name of letters, digits, _ and -, to which the operator gives a file',
    ],
    [{ dial: GATEWAY, record: { path: '/tmp/x.wav' } }, 'record has unknown keys: path'],
    [{ dial: HANGUP, notify_url: ['http://crm.example/'] }, 'notify_url must be text, not a list'],
    [
      { dial: HANGUP, notify_url: `http://h/${'a'.repeat(1016)}` },
      'notify_url must be at most 1024 characters',
    ],
    [
      { dial: HANGUP, notify_url: `http://h/${'é'.repeat(300)}` },
      'notify_url must be at most 1024 characters when percent-encoded',
    ],
    [HOSTILE, 'the answer must be an object, not text'],
    [[], 'the answer must be an object, not a list'],
    [{}, `${target}, but is missing`],
    [{ dial: HOSTILE }, `${target}, not text`],
    [{ dial: null }, `${target}, not null`],
    [{ dial: {} }, 'dial.type must be one of gateway, user, ip, dialstring or hangup'],
    [{ dial: { type: HOSTILE } }, 'dial.type must be one of gateway, user, ip, dialstring or hangup'],
    [
      { dial: { type: 'gateway', gateway: 'gw' } },
      'dial.number must be text, or a whole number of at most 15 digits, but is missing',
    ],
    [
      { dial: { ...GATEWAY, number: null } },
      'dial.number must be text, or a whole number of at most 15 digits, not null',
    ],
    [
      { dial: { ...GATEWAY, number: 1.5 } },
      'dial.number must be text, or a whole number of at most 15 digits',
    ],
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
    [{ dial: { type: 'ip', number: '1', ip: 'host:123456' } }, 'dial.ip must have a port from 1 to 65535'],
    [{ dial: { type: 'ip', number: '1', ip: '10.0.0.9:99999' } }, 'dial.ip must have a port from 1 to 65535'],
    [{ dial: { ...GATEWAY, timeout: 1.5 } }, 'dial.timeout must be whole seconds from 1 to 600'],
    [{ dial: { ...GATEWAY, timeout: 1e21 } }, 'dial.timeout must be whole seconds from 1 to 600'],
    [{ dial: { ...GATEWAY, delay: 0.5 } }, 'dial.delay must be whole seconds from 0 to 600'],
    [{ dial: { ...GATEWAY, timeout: '20' } }, 'dial.timeout must be a number, not text'],
    [
      { dial: { ...GATEWAY, number: 9007199254740994 } },
      'dial.number must be text, or a whole number of at most 15 digits',
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
    [{ dial: { ...HANGUP, cause: 1e21 } }, cause],
    [{ dial: { ...HANGUP, sipcode: 1e21 } }, status],
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
