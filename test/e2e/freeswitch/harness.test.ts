import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Callee, CallScript } from '#test/support/cases/switch.ts';
import { type ScriptedAgent, scriptedAgent } from '#test/support/freeswitch/scripted-agent.ts';
import { freeswitchFound, type RealSwitch, realSwitch } from '#test/support/freeswitch/switch.ts';

if (!freeswitchFound()) console.log('test/freeswitch/harness: skipped, there is no freeswitch on the PATH');

const answers: Callee = { ringAt: 20, answerAt: 60 };
const rings: Callee = { ringAt: 20 };
const busy: Callee = { refuse: { at: 20, status: 486 } };

describe.skipIf(!freeswitchFound())('a real FreeSWITCH', () => {
  let freeswitch: RealSwitch;
  let agent: ScriptedAgent;
  let applications: readonly string[] = [];
  let ctiBridge = '';

  beforeAll(async () => {
    freeswitch = await realSwitch();
    agent = await scriptedAgent(async (call) => {
      ctiBridge = await call.getvar('cti_bridge');
      return applications;
    });
  });
  afterAll(async () => {
    agent?.close();
    await freeswitch?.stop();
  });

  const call = (callees: CallScript['callees'], more: Partial<CallScript> = {}) =>
    freeswitch.call({
      caller: { number: '13800138000', name: '张三' },
      destination: '0555',
      socket: agent.at,
      fallback: 'sofia/gateway/gw/999',
      callees,
      ...more,
    });
  const bridge = (target: string, ...before: string[]) => {
    applications = [
      ...before,
      'set hangup_after_bridge=true',
      'set continue_on_fail=false',
      `bridge ${target}`,
    ];
  };

  it('answered: the caller hangs up, and the channel tells its variables', async () => {
    bridge('sofia/gateway/gw/123456', 'set dialhook_result=decided', 'set dialhook_error=none');
    const outcome = await call({ '123456': answers }, { byeAt: 100 });
    expect(outcome).toMatchObject({ status: 200, reason: undefined, result: 'decided', error: 'none' });
    expect(outcome.uuid).toMatch(/^[0-9a-f-]{36}$/);
    expect(outcome.statuses).toEqual([100, 180, 200]);
    expect(outcome.invites).toEqual([
      { number: '123456', via: 'gw', callerNumber: '13800138000', codecs: ['PCMU'] },
    ]);
  });

  it('answered: the called party hangs up', async () => {
    bridge('sofia/gateway/gw2/123456');
    const outcome = await call({ '123456': { ...answers, hangsUpAt: 200 } });
    expect(outcome).toMatchObject({ status: 200, invites: [{ number: '123456', via: 'gw2' }] });
    expect(outcome.hangup['variable_sip_hangup_disposition']).toBe('send_bye');
  });

  it('180, 183 and 200 reach the caller', async () => {
    bridge('sofia/gateway/gw/1');
    const outcome = await call({ '1': { ringAt: 20, mediaAt: 200, answerAt: 500 } });
    expect(outcome.statuses).toEqual([100, 180, 183, 200]);
  });

  it('busy', async () => {
    bridge('sofia/gateway/gw/1');
    expect(await call({ '1': busy })).toMatchObject({ status: 486, reason: 'USER_BUSY' });
  });

  it('a number that nobody has', async () => {
    bridge('sofia/gateway/gw/1');
    expect(await call({})).toMatchObject({ status: 404, reason: 'UNALLOCATED_NUMBER' });
  });

  it('no answer', async () => {
    bridge('sofia/gateway/gw/1', 'set call_timeout=2');
    expect(await call({ '1': rings })).toMatchObject({ status: 480, reason: 'NO_ANSWER' });
  });

  it('a party that is silent', async () => {
    bridge('sofia/gateway/gw/1', 'set call_timeout=2');
    expect(await call({ '1': {} })).toMatchObject({ statuses: [100, 480], reason: 'NO_ANSWER' });
  });

  it('the caller cancels while it rings', async () => {
    bridge('sofia/gateway/gw/1');
    const outcome = await call({ '1': rings }, { cancelAt: 200 });
    expect(outcome).toMatchObject({ status: 487, reason: undefined, invites: [{ number: '1' }] });
    expect(outcome.calledHangups.map((event) => event['Hangup-Cause'])).toEqual(['ORIGINATOR_CANCEL']);
  });

  it('the fallback, when no agent listens', async () => {
    const outcome = await call({ '999': answers }, { socket: '127.0.0.1:9|127.0.0.1:9' });
    expect(outcome).toMatchObject({
      status: 200,
      result: undefined,
      invites: [{ number: '999', via: 'gw' }],
    });
  });

  it('any address through profile external', async () => {
    bridge('sofia/external/158@10.0.0.9:5060');
    const outcome = await call({ '158': answers });
    expect(outcome).toMatchObject({ status: 200, invites: [{ number: '158', via: 'ip' }] });
  });

  it('the devices of users 1000 and 2000', async () => {
    bridge(`\${sofia_contact(*/1000@${freeswitch.domain})}`);
    const one = await call({ '1000': answers });
    expect(one).toMatchObject({ status: 200, invites: [{ number: '1000', via: 'device' }] });
    bridge(`\${sofia_contact(*/2000@${freeswitch.domain})}`);
    const two = await call({ '2000': busy });
    expect(two.invites.map(({ via }) => via)).toEqual(['device', 'device']);
  });

  it('one target after the other', async () => {
    bridge('sofia/gateway/gw/1|sofia/gateway/gw2/2');
    const outcome = await call({ '1': busy, '2': answers });
    expect(outcome.invites.map(({ number, via }) => `${via} ${number}`)).toEqual(['gw 1', 'gw2 2']);
    expect(outcome.calledHangups.map((event) => event['Hangup-Cause'])).toEqual([
      'USER_BUSY',
      'NORMAL_CLEARING',
    ]);
  });

  it.each([
    'http://crm/binding?number=0555&name=a%20b 500 500 1',
    '${uuid} ${system(false)} $${domain} \\${x} $1 \\\\ \\n',
    `'single' "double" it's {a=b,c}[d]<e>^^:f (g) 50% 张三`,
  ])('hands over cti_bridge as it is: %s', async (text) => {
    applications = ['hangup USER_BUSY'];
    await call({}, { ctiBridge: text });
    expect(ctiBridge).toBe(text);
  });

  it('many calls at once, each with its own called parties', async () => {
    bridge('sofia/gateway/gw/1');
    const calls = Array.from({ length: 40 }, (_, i) => call({ '1': i % 2 === 0 ? answers : busy }));
    const statuses = (await Promise.all(calls)).map(({ status }) => status);
    expect(statuses).toEqual(statuses.map((_, i) => (i % 2 === 0 ? 200 : 486)));
    await expect.poll(() => freeswitch.api('show channels count')).toContain('\n0 total');
  });

  it('a directory user may hear events and no more', async () => {
    const { host, port } = freeswitch.eventSocket;
    const { name, password } = freeswitch.user;
    const socket = connect(port, host).setEncoding('utf8');
    socket.write(
      `userauth ${name}@${freeswitch.domain}:${password}\n\nevent json CHANNEL_ANSWER\n\napi status\n\n`,
    );
    let heard = '';
    while (!heard.includes('-ERR')) heard += (await once(socket, 'data'))[0];
    socket.destroy();
    expect(heard.match(/^Reply-Text: .*/gm)).toEqual([
      'Reply-Text: +OK accepted',
      'Reply-Text: +OK event listener enabled json',
      expect.stringContaining('-ERR'),
    ]);
  });
});
