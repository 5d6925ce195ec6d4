import { describe, expect, it } from 'vitest';
import { notificationId } from '#libs/contract/endpoint.ts';
import { DialEndpoint, Plan } from '#libs/contract/plan.ts';

describe('DialEndpoint', () => {
  it.each([
    'sofia/gateway/gw/123456',
    'sofia/gateway/gw/+86*1#',
    'sofia/gateway/gw/1@10.0.0.9:5060;transport=tcp',
    'sofia/external/158@10.0.0.9:5060',
    'sofia/external/158@[2001:db8::1]:5060',
    'sofia/internal/sip:1000@10.0.0.9:5060',
    'sofia/internal/sips:1000@10.0.0.9;transport=tls;fs_path=sip%3Aproxy%3A5060',
    'sofia/internal/1000%pbx.example',
    'user/1000',
    'user/1000@pbx.example',
    'loopback/1000',
    'loopback/1000/default',
    'loopback/1000/default/XML',
    'error/USER_BUSY',
  ])('accepts %s', (endpoint) => expect(DialEndpoint.safeParse(endpoint).success).toBe(true));

  it.each([
    ['no host', 'sofia/external/158'],
    ['an empty host', 'sofia/external/158@'],
    ['no number', 'sofia/gateway/gw/'],
    ['an unknown endpoint', 'portaudio/auto_answer'],
    ['an application', 'loopback/app=system:reboot'],
    ['a dialplan that takes numbers for applications', 'loopback/park/default/inline'],
    ['a dialplan in lower case', 'loopback/1000/default/xml'],
    ['nested variables', 'sofia/gateway/gw/1;Origination_nested_vars=true'],
    ['a group', 'group/all@pbx'],
    ['expansion', 'sofia/gateway/gw/${system(x)}'],
    ['a second endpoint', 'user/1,user/2'],
    ['a bar', 'user/1|user/2'],
    ['enterprise originate', 'sofia/gateway/gw/1:_:user/2'],
    ['enterprise originate in a parameter', 'sofia/internal/1@10.0.0.9;a=:_:sofia/gateway/gw/900'],
    ['brackets', '[a=b]user/1'],
    ['a quote', "user/1'"],
    ['a line end', 'user/1\nexit'],
    ['a line end at the end', 'user/1\n'],
    ['a space', 'user/1 2'],
    ['a caret', '^^;user/1'],
    ['513 characters', `sofia/gateway/gw/${'1'.repeat(496)}`],
  ])('refuses %s', (_, endpoint) => expect(DialEndpoint.safeParse(endpoint).success).toBe(false));
});

describe('Plan', () => {
  const leg = { endpoint: 'user/1', variables: {} };
  const group = { variables: {}, legs: [leg] };
  const userLeg = { user: '1000', number: '1', strategy: 'sequential', variables: {} };

  const dial = {
    groups: [group],
    variables: {},
    on_fail: 'hangup',
    on_redirect: 'fail',
    pass_headers: false,
  };

  it.each([
    dial,
    { ...dial, groups: Array(64).fill(group), variables: { a: '1' } },
    { ...dial, groups: [{ variables: {}, legs: Array(64).fill(userLeg) }] },
    { ...dial, on_fail: 'request', final_causes: ['USER_BUSY'] },
    { hangup: { cause: 'USER_BUSY' } },
    { hangup: { sipcode: 503 } },
  ])('accepts %#', (plan) => expect(Plan.parse(plan)).toEqual(plan));

  it.each([
    { ...dial, groups: [] },
    { ...dial, groups: [{ variables: {}, legs: [] }] },
    { ...dial, groups: Array(65).fill(group) },
    { ...dial, groups: [{ variables: {}, legs: [{ ...leg, endpoint: 'user/1,user/2' }] }] },
    { ...dial, groups: [{ variables: { a: 'b\nc' }, legs: [leg] }] },
    { ...dial, groups: [{ variables: {}, legs: [{ ...userLeg, user: '${x}' }] }] },
    { ...dial, variables: { a: '${x}' } },
    { ...dial, variables: { 'a=b': 'x' } },
    ...["'", ']', '}', ';', '|', ':_:user/2'].flatMap((value) => [
      { ...dial, groups: [{ variables: { a: value }, legs: [leg] }] },
      { ...dial, groups: [{ variables: {}, legs: [{ ...leg, variables: { a: value } }] }] },
    ]),
    { ...dial, groups: Array(2).fill({ variables: {}, legs: Array(33).fill(leg) }) },
    { ...dial, variables: Object.fromEntries(Array.from({ length: 129 }, (_, i) => [`v${i}`, ''])) },
    { ...dial, on_fail: 'retry' },
    { ...dial, final_causes: ['BUSY'] },
    { ...dial, hangup: { cause: 'NONE' } },
    { hangup: { cause: 'user_busy' } },
    { hangup: { cause: 17 } },
    { hangup: { sipcode: 200 } },
    { hangup: {} },
  ])('refuses %#', (plan) => expect(Plan.safeParse(plan).success).toBe(false));
});

it('builds the id of a notification from call, leg and action', () => {
  expect(notificationId({ uuid: 'a', leg: 'b', action: 'ring' })).toBe('a.b.ring');
});
