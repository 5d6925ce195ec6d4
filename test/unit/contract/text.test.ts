import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import {
  BracketText,
  DialNumber,
  HostPort,
  SipName,
  VariableName,
  VariableText,
  VariableValue,
} from '#libs/contract/text.ts';

const accepts = (schema: z.ZodType, given: unknown) => schema.safeParse(given).success;

describe.each<[string, z.ZodType, unknown[], unknown[]]>([
  [
    'DialNumber',
    DialNumber,
    ['0', '+8613800138000', '*98#', 'a.b-c_d', 0, 123, 'x'.repeat(64)],
    ['', '1 2', '1,2', '1|2', '1;2', '1@h', 'a/b', "1'", '1\n', '${x}', '$1', '[1]', '一', -1, 1.5, null, {}],
  ],
  [
    'SipName',
    SipName,
    ['1000', 'gw', '_a', 'a.b+c-d', 'x'.repeat(64)],
    ['', '.a', '-a', '+a', 'a b', 'a/b', 'a@b', 'a\n', 'é', 'x'.repeat(65), 1],
  ],
  [
    'HostPort',
    HostPort,
    ['h', 'pbx.example', '10.0.0.9', '10.0.0.9:5060', '[::1]', '[2001:db8::1]:5060', 'a-b.c:1', 'h:65535'],
    [
      '',
      '-a',
      'a-',
      '.a',
      'a.',
      '::1',
      'h:',
      'h:123456',
      'h:65536',
      'h:99999',
      'h:0',
      'h:x',
      'a b',
      'u@h',
      'h/',
      'h;x',
      'h\n',
      '[::1',
      '[x]',
    ],
  ],
  [
    'VariableText',
    VariableText,
    ['', 'PCMA,PCMU', "张三 O'Brien 100%", ' spaces ', 'a$b', '$1', '{x}', 'a\\b', '\\\\', 'x'.repeat(4096)],
    [
      ...[
        'a\nb',
        'a\rb',
        'a\0b',
        'a\tb',
        'a\u0085b',
        'a\u2028b',
        'a\u2029b',
        '${x}',
        '$${x}',
        'a${x',
        'a$\\{x}',
        'a$\\\\{x}',
        'ARRAY::a|:b',
      ],
      ...["a\\'b", 'x'.repeat(4097), 1],
    ],
  ],
  [
    'BracketText',
    BracketText,
    ['', 'a', 'PCMA,PCMU', 'a=b', 'a b', '张三 100%', 'sip:a@b', '$1', ':_', ':_ :'],
    [
      ...[' a', 'a ', 'a;b', "a'b", 'a"b', 'a\\b', '[', ']', '{', '}', '<', '>', '|', '^^a', '${x}', 'a\nb'],
      ...[':_:', 'a:_:b', 'origination_nested_vars=true', 'x=Origination_Nested_Vars=TRUE'],
    ],
  ],
  ['VariableValue', VariableValue, ['a', 1, -1.5, true, false], [null, undefined, {}, [], 'a\nb', '${x}']],
  [
    'VariableName',
    VariableName,
    ['a', '_a', 'sip_h_X-Account', 'origination_caller_id_number', 'a.b', 'x'.repeat(128)],
    [...['', '1a', '-a', 'a b', 'a=b', 'a:b', 'nolocal:a', 'a\n', 'a,b', 'a[0]', 'ä', 'x'.repeat(129)]],
  ],
])('%s', (_, schema, good, bad) => {
  it.each(good)('accepts %j', (value) => expect(accepts(schema, value)).toBe(true));
  it.each(bad)('refuses %j', (value) => expect(accepts(schema, value)).toBe(false));
});

describe('DialNumber', () => {
  it.each(['+13125550100;npdi;rn=+13125550199', '1;phone-context=+49', '1;ext=5', '*67#1'])(
    'accepts %s',
    (number) => expect(DialNumber.safeParse(number).success).toBe(true),
  );

  it.each([
    '1;maddr=127.0.0.2',
    '1;transport=tcp',
    '1;npdi;maddr=127.0.0.2',
    '1;method=BYE',
    '1;lr',
    '1;user=phone',
  ])('refuses %s, a parameter of a SIP URI', (number) =>
    expect(DialNumber.safeParse(number).success).toBe(false),
  );
});
