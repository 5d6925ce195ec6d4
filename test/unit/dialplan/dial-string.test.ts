import { describe, expect, it } from 'vitest';
import { DialStringError, formatGroup, gatewayOf, parseDialString } from '#libs/dialplan/dial-string.ts';
import { parseDialString as asFreeSwitch } from '#libs/simulator/originate/dial-string.ts';

const A = 'sofia/gateway/a/1';
const B = 'sofia/gateway/b/2';
const C = 'user/1000';

/** Short form of groups: legs joined by +, groups by |. */
const shape = (text: string, sequential: boolean) =>
  parseDialString(text, sequential)
    .map((group) => group.legs.map((leg) => ('endpoint' in leg ? leg.endpoint : '')).join('+'))
    .join('|');

const variablesOf = (text: string) => parseDialString(text, true)[0]?.variables;
const legVariablesOf = (text: string) => parseDialString(text, true)[0]?.legs[0]?.variables;

describe('parseDialString', () => {
  it.each([
    ['one', A, A, A],
    ['a comma', `${A},${B}`, `${A}|${B}`, `${A}+${B}`],
    ['a bar', `${A}|${B}`, `${A}|${B}`, `${A}|${B}`],
    ['both', `${A},${B}|${C}`, `${A}|${B}|${C}`, `${A}+${B}|${C}`],
    ['both, the other way', `${A}|${B},${C}`, `${A}|${B}|${C}`, `${A}|${B}+${C}`],
    ['spaces', ` ${A} , ${B} `, `${A}|${B}`, `${A}+${B}`],
    [
      'an IPv6 address',
      'sofia/external/1@[::1]:5060',
      'sofia/external/1@[::1]:5060',
      'sofia/external/1@[::1]:5060',
    ],
    ['a comma in leg variables', `[a=1,b=2]${A},${B}`, `${A}|${B}`, `${A}+${B}`],
    ['a bar in leg variables', `[^^;a=1|2]${A}|${B}`, `${A}|${B}`, `${A}|${B}`],
  ])('parses %s, sequential and simultaneous', (_, text, sequence, simultaneous) => {
    expect(shape(text, true)).toBe(sequence);
    expect(shape(text, false)).toBe(simultaneous);
  });

  it.each([
    ['none', A, {}],
    ['one', `{a=1}${A}`, { a: '1' }],
    ['two', `{a=1,b=2}${A}`, { a: '1', b: '2' }],
    ['an empty value', `{a=}${A}`, { a: '' }],
    ['an equals sign', `{a=b=c}${A}`, { a: 'b=c' }],
    ['quotes', `{a='PCMA,PCMU',b=2}${A}`, { a: 'PCMA,PCMU', b: '2' }],
    ['an escaped comma', `{a=PCMA\\,PCMU}${A}`, { a: 'PCMA,PCMU' }],
    ['a bracket in quotes', `{a='}'}${A}`, { a: '}' }],
    ['an escaped bracket', `{a=\\}}${A}`, { a: '}' }],
    ['a separator of its own', `{^^;a=PCMA,PCMU;b=2}${A}`, { a: 'PCMA,PCMU', b: '2' }],
    ['spaces around', ` {a=1} ${A}`, { a: '1' }],
    ['two in a row, the later wins', `{a=1,b=1}{a=2}${A}`, { a: '2', b: '1' }],
  ])('variables: %s', (_, text, variables) => expect(variablesOf(text)).toEqual(variables));

  it.each([
    [`[a=1,b=2]${A}`, { a: '1', b: '2' }],
    [`[^^:a=1,2:b=3]${A}`, { a: '1,2', b: '3' }],
    [`[a=1][b=2] ${A}`, { a: '1', b: '2' }],
    [`[a=']']${A}`, { a: ']' }],
  ])('leg variables: %s', (text, variables) => expect(legVariablesOf(text)).toEqual(variables));

  it('gives every group the variables of the dial string', () => {
    const groups = parseDialString(`{a=1}[b=2]${A},[c=3]${B}`, true);
    expect(groups).toEqual([
      { variables: { a: '1' }, legs: [{ endpoint: A, variables: { b: '2' } }] },
      { variables: { a: '1' }, legs: [{ endpoint: B, variables: { c: '3' } }] },
    ]);
  });

  const form =
    'must be sofia/gateway/GATEWAY/NUMBER, sofia/PROFILE/NUMBER@HOST, user/NAME, loopback/NUMBER or error/CAUSE';
  it.each([
    ['', form],
    ['{a=1}', form],
    ['sofia/external/158', form],
    [`${A},`, form],
    [`,${A}`, form],
    [`${A},,${B}`, form],
    [`${A} ${B}`, form],
    [`${A}]x[,${B}`, form],
    [`{a=1}${A},{b=2}${B}`, form],
    ['sofia/gateway/a/${system(x)}', form],
    [`${A}:_:${B}`, 'enterprise originate (:_:) is not supported'],
    [`<a=1>${A}`, 'enterprise variables (<...>) are not supported'],
    [`{a=1${A}`, 'no } closes the variables'],
    [`{a='1}${A}`, 'no } closes the variables'],
    [`{a=1\\}${A}`, 'no } closes the variables'],
    [`[a=1${A}`, 'a [ is not closed'],
    [`{a=[1}${A}`, 'a [ is not closed'],
    [`[[a=1]]${A}`, 'a [ is not closed'],
    [`${A}'`, 'a quote is not closed'],
    [`{}${A}`, 'a variable must be written name=value'],
    [`{a}${A}`, 'a variable must be written name=value'],
    [`{=1}${A}`, 'a variable must be written name=value'],
    [`{a=1,}${A}`, 'a variable must be written name=value'],
    [`{a=\${x}}${A}`, 'variable a must not contain ${, which FreeSWITCH would expand'],
    [`{a='\${x}'}${A}`, 'variable a must not contain ${, which FreeSWITCH would expand'],
    [`{a=ARRAY::x}${A}`, 'variable a must not start with ARRAY::, which FreeSWITCH reads as a list'],
    [
      `{nolocal:a=1}${A}`,
      'variable nolocal:a may contain only letters, digits and _ . -, and must start with a letter or _',
    ],
  ])('refuses %s', (text, why) => {
    for (const sequential of [true, false]) {
      const parse = () => parseDialString(text, sequential);
      expect(parse).toThrow(DialStringError);
      expect(parse).toThrow(why);
    }
  });
});

describe('formatGroup', () => {
  it.each([
    ['one leg', {}, [{ endpoint: A, variables: {} }], A],
    ['legs at once', {}, [A, B].map((endpoint) => ({ endpoint, variables: {} })), `${A},${B}`],
    ['variables', { a: '1,2', b: '3' }, [{ endpoint: A, variables: {} }], `{^^;a=1,2;b=3}${A}`],
    [
      'variables of each leg',
      { a: '1' },
      [
        { endpoint: A, variables: { b: '2' } },
        { endpoint: B, variables: { c: '3,4' } },
      ],
      `{^^;a=1}[^^;b=2]${A},[^^;c=3,4]${B}`,
    ],
  ])('writes %s so that FreeSWITCH reads the same', (_, variables, legs, text) => {
    expect(formatGroup(variables, legs)).toBe(text);
    const read = asFreeSwitch(text);
    expect(Object.fromEntries(read?.variables ?? [])).toEqual(variables);
    expect(
      read?.groups.map((group) =>
        group.map((leg) => ({
          endpoint: `${leg.endpoint}/${leg.data}`,
          variables: Object.fromEntries(leg.variables),
        })),
      ),
    ).toEqual([legs]);
  });
});

describe('gatewayOf', () => {
  it.each([
    ['sofia/gateway/a/1', 'a'],
    ['sofia/gateway/internal::a/2', 'a'],
    ['sofia/gateway/my.gw-1/1@x', 'my.gw-1'],
    ['sofia/external/4@10.0.0.9', undefined],
    ['user/1000', undefined],
    ['error/USER_BUSY', undefined],
  ])('%s: %s', (endpoint, gateway) => expect(gatewayOf(endpoint)).toBe(gateway));
});
