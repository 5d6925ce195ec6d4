import { describe, expect, it } from 'vitest';
import { readAgentConfig } from '#services/agent/config.ts';
import { readRouterConfig } from '#services/router/config.ts';

describe('readAgentConfig', () => {
  it('defaults to FreeSWITCH and NATS on the same host', () => {
    expect(readAgentConfig({})).toMatchObject({
      NATS_URL: 'nats://127.0.0.1:4222',
      LOG_LEVEL: 'info',
      HEALTH_HOST: '127.0.0.1',
      HEALTH_PORT: 9101,
      STOP_DEADLINE_MS: 20_000,
      FREESWITCH_HOST: '127.0.0.1',
      FREESWITCH_PORT: 8021,
      FREESWITCH_PASSWORD: 'ClueCon',
      SOCKET_HOST: '127.0.0.1',
      SOCKET_PORT: 8084,
      FINAL_CAUSES: [
        'BUSY_EVERYWHERE',
        'DECLINE',
        'DOES_NOT_EXIST_ANYWHERE',
        'NOT_ACCEPTABLE',
        'UNWANTED',
        'sip:6xx',
      ],
      MAX_REQUESTS_PER_CALL: 5,
      REQUEST_VARIABLES: ['domain_name', 'sip_user_agent', 'sip_from_host', 'sip_to_user', 'sip_h_X-*'],
      MAX_CALLS_DECIDING: 2_000,
      MAX_BUFFERED_NOTIFICATIONS: 100_000,
    });
  });

  it.each([
    [{ FREESWITCH_USER: 'agent@pbx' }, { FREESWITCH_USER: 'agent@pbx' }],
    [{ REQUEST_VARIABLES: ' a , b,' }, { REQUEST_VARIABLES: ['a', 'b'] }],
    [{ FINAL_CAUSES: '17, decline' }, { FINAL_CAUSES: ['USER_BUSY', 'DECLINE'] }],
    [{ FINAL_CAUSES: ',' }, { FINAL_CAUSES: [] }],
    [
      { LIMITS: 'gw:gw=30, gw:gw2=10/5,gw:*=/2,id:tenant:7=0' },
      {
        LIMITS: new Map<string, object>([
          ['gw:gw', { max: 30 }],
          ['gw:gw2', { max: 10, rate: 5 }],
          ['gw:*', { rate: 2 }],
          ['id:tenant:7', { max: 0 }],
        ]),
      },
    ],
    [
      { DEFAULT_DECISION: '{"dial":{"type":"hangup","cause":41}}' },
      { DEFAULT_DECISION: { hangup: { cause: 'NORMAL_TEMPORARY_FAILURE' } } },
    ],
    [
      {
        DEFAULT_DECISION:
          '{"variables":[],"final_causes":{},"caller_id":null,"dial":{"type":"gateway","gateway":"gw","number":"1","timeout":null}}',
      },
      { DEFAULT_DECISION: { variables: {}, final_causes: [] } },
    ],
    [
      {
        DEFAULT_DECISION: '{"variables":{"id":8613800138000123456},"dial":{"type":"ip","ip":"h","number":1}}',
      },
      { DEFAULT_DECISION: { variables: { id: '8613800138000123456' } } },
    ],
    [
      { SOUNDS: ' beep=tone_stream://%(500,0,800)\n last-minute=ivr/one=two.wav ' },
      {
        SOUNDS: new Map([
          ['beep', 'tone_stream://%(500,0,800)'],
          ['last-minute', 'ivr/one=two.wav'],
        ]),
      },
    ],
    [{ SIP_DOMAIN: 'pbx.example' }, { SIP_DOMAIN: 'pbx.example' }],
    [{ NATS_URL: 'nats://a:4222,tls://b' }, { NATS_URL: 'nats://a:4222,tls://b' }],
    [{ SOCKET_PORT: '0' }, { SOCKET_PORT: 0 }],
  ])('%j', (env, config) => expect(readAgentConfig(env)).toMatchObject(config));

  it.each([
    ...['beep', 'beep=', '=x.wav', 'a/b=x.wav', 'beep=${x}', 'beep=a;b', "beep='a'", 'beep=a|b'].map(
      (SOUNDS): [Record<string, string>, string] => [
        { SOUNDS },
        'SOUNDS must be NAME=PATH pairs separated by blanks',
      ],
    ),
    [{ FREESWITCH_USER: 'agent' }, 'FREESWITCH_USER must be written user@domain (it is "agent")'],
    [{ FREESWITCH_USER: 'a:b@c' }, 'FREESWITCH_USER must be written user@domain (it is "a:b@c")'],
    [{ SOCKET_PORT: '65536' }, 'SOCKET_PORT must be a whole number from 0 to 65535 (it is "65536")'],
    [
      { DEFAULT_ENDPOINT_URL: 'ftp://x' },
      'DEFAULT_ENDPOINT_URL must be a URL that starts with http:// or https://',
    ],
    [
      { FINAL_CAUSES: '17,busy' },
      'FINAL_CAUSES must be hangup causes of FreeSWITCH, or SIP statuses such as sip:603 or sip:6xx; busy is not one',
    ],
    [
      { DEFAULT_DECISION: '{"collect":{}}' },
      'DEFAULT_DECISION cannot collect digits: no endpoint would get them',
    ],
    [{ LIMITS: 'gw=30' }, 'LIMITS must be gw:GATEWAY=MAX'],
    [{ LIMITS: 'gw:a b=30' }, 'gw:a b=30 is not one'],
    [{ LIMITS: 'id:*=30' }, 'id:*=30 is not one'],
    [{ LIMITS: 'gw:gw=' }, 'gw:gw= is not one'],
    [{ LIMITS: 'gw:gw=1/0' }, 'a RATE from 1 to 100000; gw:gw=1/0 has not'],
    [{ LIMITS: 'gw:gw=1,gw:gw=2' }, 'LIMITS must name each limit once; gw:gw is there twice'],
    [
      { DEFAULT_DECISION: '{"dial":{"type":"user","user":"a","number":"1"},"limit":[{"id":"x"}]}' },
      'LIMITS must have id:NAME for every limit',
    ],
    [{ DEFAULT_DECISION: '{' }, 'DEFAULT_DECISION is not a decision: it is not JSON: it is incomplete'],
    [{ DEFAULT_DECISION: '[]' }, 'DEFAULT_DECISION is not a decision: it must be an object, not a list'],
    [
      { DEFAULT_DECISION: '{"dial":{"type":"gateway","gateway":"gw","number":8613800138000123456}}' },
      'DEFAULT_DECISION is not a decision: dial.number is a number that would lose digits',
    ],
    [
      { DEFAULT_DECISION: '{"dial":{"type":"hangup"},"dial":{"type":"hangup"}}' },
      'DEFAULT_DECISION is not a decision: dial occurs more than once',
    ],
    [
      { DEFAULT_DECISION: '{"dial":{"type":"hangup"},"onFail":"request"}' },
      'DEFAULT_DECISION is not a decision: onFail is not a field: write on_fail',
    ],
    [{ DEFAULT_DECISION: '{}' }, 'DEFAULT_DECISION is not a decision: dial must be a target'],
    [
      { DEFAULT_DECISION: '{"dial":{"type":"dialstring","dialstring":"x"}}' },
      'DEFAULT_DECISION is not a decision: dial.dialstring: must be sofia/',
    ],
    [{ SIP_DOMAIN: 'a b' }, 'SIP_DOMAIN may contain only letters, digits and . -'],
    [{ MAX_CALLS_DECIDING: '0' }, 'MAX_CALLS_DECIDING must be a whole number from 1 to 100000'],
  ])('refuses %j', (env, words) => expect(() => readAgentConfig(env)).toThrow(words));

  it('reads the settings of a router only with EMBEDDED_ROUTER=on, and refuses the same values', () => {
    const env = { BREAKER_WINDOW: '0', ENDPOINT_CERT_FILE: '/dev/null', MAX_BODY_BYTES: '16777216' };
    const refusal = (read: () => unknown): string => {
      try {
        read();
      } catch (error) {
        return (error as Error).message;
      }
      return 'none';
    };
    expect(readAgentConfig(env).router).toBeUndefined();
    const ofRouter = refusal(() => readRouterConfig(env));
    expect(ofRouter).toContain('BREAKER_WINDOW');
    expect(refusal(() => readAgentConfig({ EMBEDDED_ROUTER: 'on', ...env }))).toBe(ofRouter);
    const both = refusal(() => readAgentConfig({ EMBEDDED_ROUTER: 'on', ...env, SOCKET_PORT: 'x' }));
    expect(both.split('\n')).toEqual([expect.stringMatching(/^SOCKET_PORT /), ...ofRouter.split('\n')]);
    expect(readAgentConfig({ EMBEDDED_ROUTER: 'on', BREAKER_WINDOW: '8' }).router).toMatchObject({
      BREAKER_WINDOW: 8,
      ENDPOINT_METHOD: 'POST',
    });
  });
});
