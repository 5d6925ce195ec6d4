import { describe, expect, test } from 'vitest';
import { parseDialString } from '#libs/simulator/originate/dial-string.ts';
import { endsCall } from '#libs/simulator/originate/handle-cause.ts';
import { causeOfStatus, reasonHeader, statusOfCause } from '#libs/simulator/sip/sip-status.ts';
import { expand } from '#libs/simulator/switch/expand.ts';
import { causeQ850, parseCause } from '#libs/simulator/switch/hangup-cause.ts';
import { sanitizeNumber, separate, urlEncode } from '#libs/simulator/switch/switch-strings.ts';

describe('expand', () => {
  const variables: Readonly<Record<string, string>> = {
    a: 'one',
    name: 'a',
    number: '0123456789',
    han: '张三',
    nested: `<\${a}>`,
    loop: `\${loop}`,
  };
  const ran: string[] = [];
  const expanded = (text: string): string =>
    expand(text, {
      variable: (name, index) => (index === undefined ? variables[name] : `${name} at ${index}`),
      api: (name, args) => {
        ran.push(`${name}|${args}`);
        return `{${name} ${args}}`;
      },
    });

  test.each([
    ['plain', 'plain'],
    ['100% $5 {a}', '100% $5 {a}'],
    [`\${a}`, 'one'],
    [`x\${a}y\${a}z`, 'xoneyonez'],
    [`\${unknown}!`, '!'],
    [`\${\${name}}`, 'one'],
    [`\${nested}`, '<one>'],
    [`$\${a}`, 'one'],
    [`\\\${a}`, `\${a}`],
    [`\${number:3}`, '3456789'],
    [`\${number:3:2}`, '34'],
    [`\${number:-2}`, '89'],
    [`\${number:-4:2}`, '67'],
    [`\${number:20}`, ''],
    [`\${number:0:3}`, '012'],
    [`\${han:3}`, '三'],
    [`\${list[2]}`, 'list at 2'],
    [`\${api(x \${a})}`, '{api x one}'],
    [`\${api x \${a}}`, '{api x one}'],
    [`\${a`, 'one'],
  ])('%s', (text, expected) => {
    expect(expanded(text)).toBe(expected);
  });

  test('stops at a recursive value', () => {
    expect(expanded(`\${loop}`)).toBe(`\${loop}`);
  });
});

describe('dial strings', () => {
  const parsed = (text: string): unknown => {
    const dialled = parseDialString(text);
    return (
      dialled && {
        all: Object.fromEntries(dialled.variables),
        groups: dialled.groups.map((group) =>
          group.map(({ endpoint, data, variables }) => [
            `${endpoint}/${data}`,
            Object.fromEntries(variables),
          ]),
        ),
      }
    );
  };

  test.each<[string, unknown]>([
    ['sofia/gateway/gw/1', { all: {}, groups: [[['sofia/gateway/gw/1', {}]]] }],
    [
      'a/1,b/2',
      {
        all: {},
        groups: [
          [
            ['a/1', {}],
            ['b/2', {}],
          ],
        ],
      },
    ],
    [
      'a/1|b/2,c/3',
      {
        all: {},
        groups: [
          [['a/1', {}]],
          [
            ['b/2', {}],
            ['c/3', {}],
          ],
        ],
      },
    ],
    ['{x=1,y=2}a/1', { all: { x: '1', y: '2' }, groups: [[['a/1', {}]]] }],
    ['{x=1}{y=2} a/1', { all: { x: '1', y: '2' }, groups: [[['a/1', {}]]] }],
    ["{x='1,2',y=3}a/1", { all: { x: '1,2', y: '3' }, groups: [[['a/1', {}]]] }],
    ['{x=1\\,2,y=3}a/1', { all: { x: '1,2', y: '3' }, groups: [[['a/1', {}]]] }],
    ['{^^;x=1,2;y=3}a/1', { all: { x: '1,2', y: '3' }, groups: [[['a/1', {}]]] }],
    ['{x=a=b}a/1', { all: { x: 'a=b' }, groups: [[['a/1', {}]]] }],
    ['{x=}a/1', { all: {}, groups: [[['a/1', {}]]] }],
    [
      '[x=1,y=2]a/1,[x=3]b/2',
      {
        all: {},
        groups: [
          [
            ['a/1', { x: '1', y: '2' }],
            ['b/2', { x: '3' }],
          ],
        ],
      },
    ],
    ['[^^;x=1,2;y=3]a/1', { all: {}, groups: [[['a/1', { x: '1,2', y: '3' }]]] }],
    ['[x=1\\,2,y=3]a/1', { all: {}, groups: [[['a/1', { x: '1,2', y: '3' }]]] }],
    // The quotes are gone before the commas are looked at: the second half of the value is lost.
    ["[x='1,2',y=3]a/1", { all: {}, groups: [[['a/1', { x: '1', y: '3' }]]] }],
    ['error/user_busy', { all: {}, groups: [[['error/user_busy', {}]]] }],
    ['{x=1', undefined],
    ['[x=1', undefined],
    ['', undefined],
    ['{x=1}', undefined],
  ])('%s', (text, expected) => {
    expect(parsed(text)).toEqual(expected);
  });
});

test.each<[string, string, string[]]>([
  ['a,b,c', ',', ['a', 'b', 'c']],
  [' a , b ', ',', ['a', 'b']],
  ['a,,b,', ',', ['a', '', 'b']],
  ["'a,b',c", ',', ['a,b', 'c']],
  ["it's,b", ',', ["it's", 'b']],
  ['a\\,b\\\\,c', ',', ['a,b\\', 'c']],
  ['^^:a:b', ',', ['a', 'b']],
  ['', ',', []],
])('separate %s at %s', (text, delimiter, parts) => {
  expect(separate(text, delimiter)).toEqual(parts);
});

test.each<[string, { continueOnFail?: string; failureCauses?: string }, boolean]>([
  ['USER_BUSY', {}, true],
  ['NO_ANSWER', {}, false],
  ['NO_USER_RESPONSE', {}, false],
  ['ORIGINATOR_CANCEL', {}, false],
  ['ATTENDED_TRANSFER', { continueOnFail: 'false' }, false],
  ['USER_BUSY', { continueOnFail: 'true' }, false],
  ['NO_ANSWER', { continueOnFail: 'false' }, true],
  ['USER_BUSY', { continueOnFail: 'user_busy,NO_ANSWER' }, false],
  ['USER_BUSY', { continueOnFail: '17' }, false],
  ['CALL_REJECTED', { continueOnFail: 'USER_BUSY' }, true],
  ['NO_ANSWER', { continueOnFail: 'USER_BUSY' }, true],
  ['USER_BUSY', { failureCauses: 'USER_BUSY' }, true],
  ['CALL_REJECTED', { failureCauses: 'USER_BUSY' }, false],
  ['USER_BUSY', { failureCauses: 'USER_BUSY', continueOnFail: 'true' }, false],
])('a bridge that fails with %s and %j ends the call: %s', (cause, variables, expected) => {
  expect(endsCall(cause, { continueOnFail: undefined, failureCauses: undefined, ...variables })).toBe(
    expected,
  );
});

test.each([
  ['17', 'USER_BUSY'],
  ['user_busy', 'USER_BUSY'],
  ['808', 'INVALID_GATEWAY'],
  ['602', 'UNKNOWN'],
  ['nonsense', 'NORMAL_CLEARING'],
  ['', 'NORMAL_CLEARING'],
])('the cause %s is %s', (text, cause) => {
  expect(parseCause(text)).toBe(cause);
});

test.each([
  ['USER_BUSY', 17],
  ['INTERWORKING', 127],
  ['SUCCESS', 16],
  ['INVALID_GATEWAY', 16],
])('%s is Q.850 %i', (cause, number) => {
  expect(causeQ850(cause)).toBe(number);
});

test.each([
  [486, 'USER_BUSY'],
  [480, 'NO_USER_RESPONSE'],
  [404, 'UNALLOCATED_NUMBER'],
  [603, 'CALL_REJECTED'],
  [487, 'ORIGINATOR_CANCEL'],
  [503, 'NORMAL_TEMPORARY_FAILURE'],
  [408, 'RECOVERY_ON_TIMER_EXPIRE'],
  [499, 'NORMAL_UNSPECIFIED'],
])('a refusal with %i is %s', (status, cause) => {
  expect(causeOfStatus(status)).toBe(cause);
});

test.each([
  ['USER_BUSY', 486, 'Q.850;cause=17;text="USER_BUSY"'],
  ['NO_ANSWER', 480, 'Q.850;cause=19;text="NO_ANSWER"'],
  ['NO_USER_RESPONSE', 408, 'Q.850;cause=18;text="NO_USER_RESPONSE"'],
  ['INVALID_GATEWAY', 484, 'SIP;cause=808;text="INVALID_GATEWAY"'],
  ['NORMAL_CLEARING', 480, 'Q.850;cause=16;text="NORMAL_CLEARING"'],
  ['DECLINE', 603, 'SIP;cause=816;text="DECLINE"'],
])('%s refuses with %i', (cause, status, reason) => {
  expect(statusOfCause(cause)).toBe(status);
  expect(reasonHeader(cause)).toBe(reason);
});

test.each([
  ['gateway/gw/123456', '123456'],
  ['external/158@10.0.0.9:5060', '158'],
  ['internal/sip:123@10.0.0.9', '123'],
  ['123', '123'],
])('the number in %s is %s', (address, number) => {
  expect(sanitizeNumber(address)).toBe(number);
});

test.each([
  ["张 O'B 100% ~/a", "%E5%BC%A0%20O'B%20100%25%20~/a"],
  ['a%20b%2g', 'a%20b%252g'],
  ['\n\u{7f}', '%0A%7F'],
])('%s url-encoded', (text, encoded) => {
  expect(urlEncode(text)).toBe(encoded);
});
