import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HANGUP_CAUSES } from '#libs/contract/causes.ts';
import type { Callee, CallScript } from '#test/support/cases/case-node.ts';
import { freeswitchFound, type RealCaseNode, realCaseNode } from '#test/support/freeswitch/case-node.ts';
import { text } from '#test/support/freeswitch/event-socket.ts';
import {
  type HandedOver,
  type ScriptedAgent,
  scriptedAgent,
} from '#test/support/freeswitch/scripted-agent.ts';

if (!freeswitchFound()) console.log('test/e2e/freeswitch/facts: skipped, there is no freeswitch on the PATH');

const answers: Callee = { ringAt: 20, answerAt: 60 };
const rings: Callee = { ringAt: 20 };
const busy: Callee = { refuse: { at: 20, status: 486 } };
const NO_EXPANSION = 'set app_disable_expand_variables=true';
const A = 'sofia/gateway/gw/1';
const B = 'sofia/gateway/gw2/2';

/** Two targets, one after the other, as the agent hands them over. */
const oneAfterTheOther = (...between: string[]) => [
  NO_EXPANSION,
  'set hangup_after_bridge=true',
  'set call_timeout=2',
  'set continue_on_fail=true',
  `bridge ${A}`,
  ...between,
  'set continue_on_fail=false',
  `bridge ${B}`,
];

describe.skipIf(!freeswitchFound())('facts about FreeSWITCH on which the agent rests', () => {
  let freeswitch: RealCaseNode;
  let agent: ScriptedAgent;
  let ask: (call: HandedOver) => Promise<readonly string[]> | readonly string[];

  beforeAll(async () => {
    freeswitch = await realCaseNode();
    agent = await scriptedAgent((call) => ask(call));
  });
  afterAll(async () => {
    agent?.close();
    await freeswitch?.stop();
  });

  const call = (applications: readonly string[] | typeof ask, more: Partial<CallScript> = {}) => {
    ask = typeof applications === 'function' ? applications : () => applications;
    return freeswitch.call({
      caller: { number: '138', name: '张三' },
      destination: '0555',
      socket: agent.at,
      fallback: 'error/USER_BUSY',
      callees: {},
      ...more,
    });
  };

  it('A busy, B does not answer: the cause is B’s, the SIP status A’s unless A’s is unset', async () => {
    const callees = { '1': busy, '2': rings };
    const mixed = { status: 486, reason: 'NO_ANSWER' };
    expect(await call(oneAfterTheOther(), { callees })).toMatchObject(mixed);
    const unset = oneAfterTheOther('unset last_bridge_proto_specific_hangup_cause');
    expect(await call(unset, { callees })).toMatchObject({ status: 480, reason: 'NO_ANSWER' });
  });

  it.each([
    ['the called party ends the call', { callees: { '1': { ...answers, hangsUpAt: 150 } } }],
    ['the caller ends the call', { callees: { '1': answers }, byeAt: 100 }],
    ['the caller cancels', { callees: { '1': rings }, cancelAt: 200 }],
  ])('B is not dialled when %s with A', async (_, script) => {
    const outcome = await call(oneAfterTheOther(), script);
    expect(outcome.invites.map(({ number }) => number)).toEqual(['1']);
  });

  it('call_timeout does not count once there is early media, unless that is ignored', async () => {
    const target = [NO_EXPANSION, 'set call_timeout=2', 'set continue_on_fail=false', `bridge ${A}`];
    const script = { callees: { '1': { mediaAt: 50 } }, cancelAt: 3000 };
    expect(await call(target, script)).toMatchObject({ status: 487 });
    const ignored = ['export nolocal:ignore_early_media=true', ...target];
    expect(await call(ignored, script)).toMatchObject({ status: 480, reason: 'NO_ANSWER' });
  });

  it('`set` expands even with expansion turned off, `export` does not', async () => {
    const reference = '$'.concat('{uuid}');
    const { hangup, uuid } = await call([
      NO_EXPANSION,
      `set s=${reference}`,
      `export e=${reference}`,
      'hangup',
    ]);
    expect([hangup['variable_s'], hangup['variable_e']]).toEqual([uuid, reference]);
  });

  it.each(['a,b', ` 'q' "d" \\ back`, '^^:a;b|c', '张三 😀', '50% %41', '[x]{y}<z>'])(
    'export nolocal: carries %s to the called leg',
    async (value) => {
      const script = { callees: { '1': answers }, byeAt: 20 };
      const outcome = await call([NO_EXPANSION, `export nolocal:it=${value}`, `bridge ${A}`], script);
      expect(outcome.calledHangups[0]?.['variable_it']).toBe(value);
      expect(outcome.hangup['variable_it']).toBeUndefined();
    },
  );

  it('`execute` takes its data from the body, and expands them like a header', async () => {
    const values: string[] = [];
    await call(async ({ execute, getvar }) => {
      await execute('multiset', "^^;a=张三 O'Neill;b=${a}!");
      await execute('set', 'app_disable_expand_variables=true');
      await execute('export', 'nolocal:c=${a}');
      values.push(await getvar('a'), await getvar('b'), await getvar('nolocal:c'));
      return ['hangup'];
    });
    expect(values).toEqual(["张三 O'Neill", '!', '${a}']);
  });

  it('a connection that breaks after a setting: the dialplan continues with it', async () => {
    const { hangup } = await call(async ({ execute, breakOff }) => {
      await execute('set', 'dialhook_result=decided');
      breakOff();
      return [];
    });
    expect(text(hangup, 'variable_dialhook_result')).toBe('decided');
    expect(text(hangup, 'Hangup-Cause')).toBe('USER_BUSY');
  });

  it(`an application whose data holds \\' is dropped`, async () => {
    const outcome = await call([NO_EXPANSION, `set x=it\\'s`, 'hangup USER_BUSY']);
    expect(outcome.status).toBe(486);
    expect(outcome.hangup['variable_x']).toBeUndefined();
  });

  it('variables of {} win over exported ones, and those over []', async () => {
    const bridge = `bridge {^^;a=braces}[^^;a=brackets;b=brackets;c=brackets]${A}`;
    const script = { callees: { '1': answers }, byeAt: 20 };
    const exports = ['export nolocal:a=export', 'export nolocal:b=export'];
    const [leg] = (await call([NO_EXPANSION, ...exports, bridge], script)).calledHangups;
    expect(leg).toMatchObject({ variable_a: 'braces', variable_b: 'export', variable_c: 'brackets' });
  });

  it('getvar gives 511 bytes; the rest comes in pieces', async () => {
    const long = Array.from({ length: 100 }, (_, i) => String(i).padStart(10, '0')).join('');
    const heard: string[] = [];
    await call(async ({ execute, getvar }) => {
      await execute('set', `long=${long}`);
      heard.push(await getvar('long'));
      for (const offset of [0, 400, 800]) {
        await execute('set', `piece=\${long:${offset}:400}`);
        heard.push(await getvar('piece'));
      }
      heard.push(await getvar('no_such_variable'));
      return ['hangup'];
    });
    expect(heard).toEqual([
      long.slice(0, 511),
      long.slice(0, 400),
      long.slice(400, 800),
      long.slice(800),
      '-ERR command not found',
    ]);
  });

  it('%20 in a variable and a space look the same in the answer to connect, not in that to getvar', async () => {
    const heard: string[] = [];
    await call(
      async ({ channelData, getvar }) => {
        heard.push(/^variable_cti_bridge: (.*)/m.exec(channelData)?.[1] ?? '');
        heard.push(await getvar('cti_bridge'));
        return ['hangup'];
      },
      { ctiBridge: 'http://h/a%20b 500' },
    );
    expect(heard).toEqual(['http%3A//h/a%20b%20500', 'http://h/a%20b 500']);
  });

  it('`respond` ends the call by itself: its status, and the cause that belongs to it', async () => {
    const outcome = await call(['respond 500', 'hangup USER_BUSY']);
    expect(outcome).toMatchObject({ status: 500, reason: 'NORMAL_TEMPORARY_FAILURE' });
    const answered = await call(['answer', 'respond 500', 'hangup USER_BUSY'], { byeAt: 2000 });
    expect(answered).toMatchObject({
      status: 200,
      hangup: { 'Hangup-Cause': 'NORMAL_TEMPORARY_FAILURE' },
    });
  });

  it('knows every cause of the contract by name', async () => {
    const heard: string[] = [];
    for (const name of Object.keys(HANGUP_CAUSES)) {
      const { hangup } = await call([`hangup ${name}`]);
      heard.push(text(hangup, 'Hangup-Cause') ?? '');
    }
    expect(heard).toEqual(Object.keys(HANGUP_CAUSES));
  });

  it('lists the legs of all bridges, in order, with their causes', async () => {
    const { hangup, calledHangups } = await call(oneAfterTheOther(), {
      callees: { '1': busy, '2': answers },
    });
    const [first, second] = calledHangups.map((event) => event['Unique-ID']);
    expect(hangup['variable_originate_causes']).toEqual([`${first};USER_BUSY`, `${second};NONE`]);
  });

  it.each([
    ['caller', { callees: { '1': answers }, byeAt: 50 }, 'recv_bye', undefined],
    ['callee', { callees: { '1': { ...answers, hangsUpAt: 150 } } }, 'send_bye', 'sip:200'],
    ['caller, before the answer', { callees: { '1': rings }, cancelAt: 100 }, 'recv_cancel', undefined],
    ['callee, before the answer', { callees: { '1': busy } }, 'send_refuse', 'sip:486'],
  ])('tells that the %s hung up', async (_, script, disposition, remote) => {
    const { hangup } = await call(['set hangup_after_bridge=true', `bridge ${A}`], script);
    expect(hangup['variable_sip_hangup_disposition']).toBe(disposition);
    expect(hangup['variable_last_bridge_proto_specific_hangup_cause']).toBe(remote);
  });
});
