import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Plan } from '#libs/contract/plan.ts';
import { OutboundServer } from '#libs/esl/outbound.ts';
import { type Lookup, lookUpUsers } from '#services/agent/registrations.ts';
import { type CallScript, FreeSwitchCall } from '#test/support/agent/call.ts';

type Groups = Extract<Plan, { groups: unknown }>['groups'];

let looking: (found: Lookup) => void;
let plan: Groups;
let domain: string | undefined;
let server: OutboundServer;
let errors: Error[];

const PLAN = { variables: {}, on_fail: 'hangup', on_redirect: 'fail', pass_headers: false } as const;

beforeEach(async () => {
  domain = undefined;
  errors = [];
  server = await OutboundServer.listen({
    host: '127.0.0.1',
    port: 0,
    onCall: async (call) => {
      looking(await lookUpUsers(call, { ...PLAN, groups: plan }, domain));
      await call.runAndRelease([]);
    },
    onRefused: (_, why) => {
      throw new Error(why);
    },
    onError: (error) => errors.push(error),
  });
});

afterEach(async () => {
  await server.close();
  expect(errors).toEqual([]);
});

async function lookUp(groups: Groups, script: CallScript) {
  plan = groups;
  const { promise: found, resolve } = Promise.withResolvers<Lookup>();
  looking = resolve;
  const call = await FreeSwitchCall.place(server.port, script);
  return { found: await found, call: await call.released() };
}

const user = (name: string, strategy: 'sequential' | 'simultaneous' = 'sequential', more = {}) => ({
  user: name,
  number: '123',
  strategy,
  variables: {},
  ...more,
});
const endpoint = (text: string, variables = {}) => ({ endpoint: text, variables });
const at = (host: string, who = '123') => `sofia/internal/sip:${who}@${host}`;
const contacts = {
  '1000@pbx': at('10.0.0.1', '1000'),
  '1001@pbx': `${at('10.0.0.1', 'x')},${at('10.0.0.2', 'y')}`,
  '1000@other': at('10.0.0.9', '1000'),
};
const pbx: CallScript = { contacts, variables: { domain_name: 'pbx' } };

describe('lookUpUsers', () => {
  it.each<[string, Groups, Lookup]>([
    [
      'nothing to look up',
      [{ variables: { a: '1' }, legs: [endpoint('user/1'), endpoint('user/2')] }],
      { groups: [{ variables: { a: '1' }, legs: [endpoint('user/1'), endpoint('user/2')] }], missing: [] },
    ],
    [
      'one device',
      [{ variables: { a: '1' }, legs: [user('1000', 'sequential', { variables: { b: '2' } })] }],
      { groups: [{ variables: { a: '1' }, legs: [endpoint(at('10.0.0.1'), { b: '2' })] }], missing: [] },
    ],
    [
      'two devices in turn',
      [{ variables: {}, legs: [user('1001')] }],
      {
        groups: [
          { variables: {}, legs: [endpoint(at('10.0.0.1'))] },
          { variables: {}, legs: [endpoint(at('10.0.0.2'))] },
        ],
        missing: [],
      },
    ],
    [
      'two devices and another leg at once',
      [{ variables: {}, legs: [user('1001', 'simultaneous'), endpoint('user/2')] }],
      {
        groups: [
          { variables: {}, legs: [endpoint(at('10.0.0.1')), endpoint(at('10.0.0.2')), endpoint('user/2')] },
        ],
        missing: [],
      },
    ],
    [
      'a domain of its own',
      [{ variables: {}, legs: [user('1000', 'sequential', { domain: 'other' })] }],
      { groups: [{ variables: {}, legs: [endpoint(at('10.0.0.9'))] }], missing: [] },
    ],
    [
      'one unregistered user among others',
      [
        { variables: {}, legs: [user('absent')] },
        { variables: {}, legs: [endpoint('user/2')] },
      ],
      { groups: [{ variables: {}, legs: [endpoint('user/2')] }], missing: ['absent'] },
    ],
    ['no registered user', [{ variables: {}, legs: [user('absent')] }], { groups: [], missing: ['absent'] }],
  ])('%s', async (_, groups, expected) => {
    const { found, call } = await lookUp(groups, pbx);
    expect(found).toEqual(expected);
    expect([...call.variables.keys()]).not.toContain('dialhook_contacts');
  });

  it('looks up users in SIP_DOMAIN', async () => {
    domain = 'other';
    const { found } = await lookUp([{ variables: {}, legs: [user('1000')] }], pbx);
    expect(found.groups).toEqual([{ variables: {}, legs: [endpoint(at('10.0.0.9'))] }]);
  });

  const push = (host: string) => `${host};pn-tok=${'0123456789abcdef'.repeat(22)}`;
  it.each([
    ['two push tokens', [push('10.0.0.1'), push('10.0.0.2')]],
    ['a list of exactly 511 bytes', [`10.0.0.1;a=${'x'.repeat(200)}`, `10.0.0.2;a=${'x'.repeat(231)}`]],
    ['twenty devices', Array.from({ length: 20 }, (_, n) => push(`10.0.0.${n}`))],
  ])('reads contacts of any length: %s', async (_, hosts) => {
    const { found, call } = await lookUp([{ variables: {}, legs: [user('1000', 'simultaneous')] }], {
      contacts: { '1000@pbx': hosts.map((host) => at(host, 'x')).join(',') },
      variables: { domain_name: 'pbx' },
    });
    expect(found.groups.flatMap((group) => group.legs.map((leg) => leg.endpoint))).toEqual(
      hosts.map((host) => at(host)),
    );
    expect([...call.variables.keys()]).not.toContain('dialhook_contacts');
  });

  it.each([
    [
      'one longer than 512 characters',
      `${at(`10.0.0.1;x=${'y'.repeat(600)}`, 'x')},${at('10.0.0.2', 'y')}`,
      [at('10.0.0.2')],
    ],
    [
      'those beyond 64',
      Array.from({ length: 400 }, (_, n) => at(`10.0.0.${n}:50000`, 'x')).join(','),
      Array.from({ length: 64 }, (_, n) => at(`10.0.0.${n}:50000`)),
    ],
    [
      'a hostile one',
      `${at('10.0.0.1', 'x')};a=:_:sofia/gateway/gw/900,${at('10.0.0.2', 'y')}`,
      [at('10.0.0.2')],
    ],
  ])('leaves out a contact that is too long or unsafe: %s', async (_, reply, expected) => {
    const { found } = await lookUp([{ variables: {}, legs: [user('1000', 'simultaneous')] }], {
      contacts: { '1000@pbx': reply },
      variables: { domain_name: 'pbx' },
    });
    expect(found.groups.flatMap((group) => group.legs.map((leg) => leg.endpoint))).toEqual(expected);
  });
});
