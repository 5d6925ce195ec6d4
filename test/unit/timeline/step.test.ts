import { describe, expect, it } from 'vitest';
import { publicStep, type Step, withoutUrlSecrets } from '#libs/bus/timeline-step.ts';
import { TimelineStep } from '#libs/contract/timeline.ts';

const CALL = { uuid: 'e6ffd4ce-54f4-4cc9-8edf-ad14634e844f', node: 'fs1', time: '2026-11-23T18:27:06.595Z' };
const CALLER = {
  caller_id_number: '13812345678',
  caller_id_name: 'Alice 555',
  destination_number: '05557777',
};

const received: Step = {
  step: 'received',
  ...CALL,
  endpoint: 'http://crm/binding',
  request: {
    action: 'request',
    reason: 'failed',
    ...CALL,
    ...CALLER,
    caller_id_withheld: false,
    asserted_number: '05551234',
    context: 'public',
    network_addr: '10.0.0.1',
    sip_call_id: 'x@y',
    attempt: 2,
    tried: [{ leg: 'leg', number: '05557777', cause: 'USER_BUSY' }],
    digits: '4711',
    variables: { sip_to_user: '05557777', 'sip_h_X-Back': 'https://u:p@back.example/a?t=hush' },
  },
};
const requested = (answer: string): Step => ({
  step: 'requested',
  ...CALL,
  endpoint: 'http://crm/binding',
  fallback: false,
  result: 'decided',
  answer,
  ms: 3,
  phases: { connect_ms: 0.2 },
});
const decided = (...applications: string[]): Step => ({
  step: 'decided',
  ...CALL,
  result: 'decided',
  ms: 9,
  applications,
});
const rang: Step = {
  step: 'published',
  ...CALL,
  notification: { action: 'ring', ...CALL, ...CALLER, leg: 'leg', called_number: '05557777' },
};

const text = (step: Step, numbers: 'full' | 'masked') => {
  const shown = { v: 1, by: 'agent@x', ...publicStep(step, numbers) };
  expect(TimelineStep.safeParse(shown).error).toBeUndefined();
  return JSON.stringify(shown);
};

describe('a step without the secrets of URLs', () => {
  it.each([
    ['http://u:p@h:80/a/b?x=1#f', 'http://h:80/a/b'],
    [
      'set cti_bridge=http://u:p@x@h/a?t=1;u=2,3 3000 3000 1 https://f/?z',
      'set cti_bridge=http://h/a 3000 3000 1 https://f/',
    ],
    [String.raw`{"a":"http:\/\/u:p@h\/a?b","c":1}`, String.raw`{"a":"http:\/\/h\/a","c":1}`],
    ['redis://:p@h/0', 'redis://h/0'],
    ['bridge sofia/external/158@10.0.0.9:5060', 'bridge sofia/external/158@10.0.0.9:5060'],
    ['sip:1000@h?x', 'sip:1000@h?x'],
  ])('%s becomes %s', (before, after) => expect(withoutUrlSecrets(before)).toBe(after));

  it('holds none in any of its fields', () => {
    const answer = '{"variables":{"x":"http://u:p@h/r?t=hush"}}';
    for (const step of [
      received,
      requested(answer),
      decided('export nolocal:cti_bridge=http://u:p@h/?t=hush 3000'),
    ])
      for (const numbers of ['full', 'masked'] as const)
        expect(text(step, numbers)).not.toMatch(/hush|u:p|[?]/);
  });

  it('truncates an answer without exposing a secret', () => {
    const long = `${'x'.repeat(4090)}https://user:password@h/`;
    const step = publicStep(requested(long), 'full');
    expect(step).toMatchObject({ answer: `${'x'.repeat(4090)}https:` });
    expect(publicStep(requested('y'.repeat(300_000)), 'full')).toMatchObject({ answer: 'y'.repeat(4096) });
  });
});

describe('a masked step', () => {
  it.each([
    ['received', received],
    [
      'an answer',
      requested(
        '{"variables":{"a_name":"Alice 555"},"dial":{"type":"gateway","gateway":"gw","number":"05557777"}}',
      ),
    ],
    [
      'an answer with a number that is none',
      requested('{"dial":{"type":"ip","number":13812345678,"ip":"10.0.0.9"}}'),
    ],
    ['an answer that is no JSON', requested('call Alice 555 at 05557777')],
    [
      'a dial string',
      requested('{"dial":{"type":"dialstring","dialstring":"sofia/gateway/a/05557777,user/13812345678"}}'),
    ],
    [
      'the applications sent to FreeSWITCH',
      decided(
        'export nolocal:x=Alice 555',
        'multiset ^^;hangup_after_bridge=true;nolocal:x=Alice 555;nolocal:n=13812345678;export_vars=nolocal:x,nolocal:n',
        'bridge {^^;a=Alice 555}[^^;b=13812345678]sofia/gateway/gw/05557777,sofia/external/sip:05557777@10.0.0.9:5060,loopback/13812345678/public',
        'set dialhook_error=not registered: 13812345678',
      ),
    ],
    ['a notification', rang],
  ])('of %s shows neither numbers nor names, and without masks it does', (_, step) => {
    expect(text(step, 'full')).toMatch(/05557777|13812345678|Alice/);
    expect(text(step, 'masked')).not.toMatch(/05557777|5557777|13812345678|1381234|Alice|555|4711/);
  });

  it('shows of a name nothing, and of a dial string its way', () => {
    const dialstring = requested(
      '{"variables":{"x":"Bob"},"dial":{"type":"dialstring","dialstring":"{a=Bob}user/Bob,sofia/gateway/a/158"}}',
    );
    expect(publicStep(dialstring, 'masked')).toMatchObject({
      answer:
        '{"variables":{"x":"***"},"dial":{"type":"dialstring","dialstring":"[*]user/***,sofia/gateway/a/*58"}}',
    });
  });

  it('shows the fields that contain no personal data, but not under data and variables', () => {
    const fields =
      '"retry_causes":["sip:404"],"early_media":"ring","codecs":["PCMA"],"ringback":"us","max_duration":600,"record":{"channels":1,"announce":"a","start":"answer"}';
    const targets = '"dial":{"type":"ip","progress_timeout":5,"timeout":20}';
    const plain = `{${fields},${targets}}`;
    expect(publicStep(requested(plain), 'masked')).toMatchObject({ answer: plain });
    const free = '{"data":{"type":"Alice","a":[{"timeout":5550123}]},"variables":{"gateway":"Alice"}}';
    expect(publicStep(requested(free), 'masked')).toMatchObject({
      answer: '{"data":{"type":"*****","a":[{"timeout":"*****23"}]},"variables":{"gateway":"*****"}}',
    });
    const retry = 'multiset ^^;dialhook_retry=sip:404,NO_ANSWER;dialhook_final=';
    expect(publicStep(decided(retry), 'masked')).toMatchObject({ applications: [retry] });
  });

  it('still names the applications', () => {
    expect(
      publicStep(
        decided('set continue_on_fail=true', 'bridge [^^;b=1]sofia/gateway/gw/05557777', 'hangup'),
        'masked',
      ),
    ).toMatchObject({
      applications: ['set continue_on_fail=true', 'bridge [*]sofia/gateway/gw/******77', 'hangup'],
    });
    expect(
      publicStep(requested('{"dial":{"type":"gateway","gateway":"gw","number":"05557777"}}'), 'masked'),
    ).toMatchObject({
      answer: '{"dial":{"type":"gateway","gateway":"gw","number":"******77"}}',
    });
  });
});
