import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Callee } from '#test/support/cases/case-node.ts';
import {
  freeswitchFound,
  type RealCaseNode,
  type RealScript,
  realCaseNode,
} from '#test/support/freeswitch/case-node.ts';
import { type ScriptedAgent, scriptedAgent } from '#test/support/freeswitch/scripted-agent.ts';
import { leaks, requestsTo } from '#test/support/freeswitch/sip-trace.ts';
import { until } from '#test/support/until.ts';

if (!freeswitchFound())
  console.log('test/e2e/freeswitch/parties: skipped, there is no freeswitch on the PATH');

const answers: Callee = { ringAt: 20, answerAt: 60 };

describe.skipIf(!freeswitchFound())('parties of a real FreeSWITCH', () => {
  let freeswitch: RealCaseNode;
  let agent: ScriptedAgent;
  let applications: readonly string[] = [];

  beforeAll(async () => {
    freeswitch = await realCaseNode({ trackCalls: true });
    agent = await scriptedAgent(() => applications);
  });
  afterAll(async () => {
    agent?.close();
    await freeswitch?.stop();
  });

  const place = (target: string, callees: RealScript['callees'], more: Partial<RealScript> = {}) => {
    applications = ['set hangup_after_bridge=true', `bridge ${target}`];
    return freeswitch.place({
      caller: { number: '13900001111', name: 'Alice' },
      destination: '95588',
      socket: agent.at,
      fallback: 'error/USER_BUSY',
      callees,
      ...more,
    });
  };
  it('the trace has the numbers shown to each side', async () => {
    const call = place('sofia/gateway/gw/13800138000', { '13800138000': answers }, { byeAt: 100 });
    const { trace } = await call.ended;
    expect(leaks(trace, 'caller', ['13800138000']).join('\n')).toContain('Remote-Party-ID');
    expect(leaks(trace, 'called', ['13900001111']).join('\n')).toContain('INVITE');
    expect(leaks(trace, 'called', ['no such text'])).toEqual([]);
    expect(requestsTo(trace, 'called')).toEqual(['INVITE', 'ACK', 'BYE']);
  });

  it('a called party answers with the responses of its script', async () => {
    const steps = [
      { at: 20, status: 183, headers: [['X-Step', 'one']] },
      { at: 60, status: 486, phrase: 'Gone Fishing', headers: [['Reason', 'Q.850;cause=17']] },
    ] as const;
    const { trace, status } = await place('sofia/gateway/gw/1', { '1': { steps } }).ended;
    expect(status).toBe(486);
    const sent = trace.filter(({ side, byParty }) => side === 'called' && byParty).map(({ text }) => text);
    expect(sent[1]).toMatch(/^SIP\/2.0 183 Session Progress[\s\S]*X-Step: one/);
    expect(sent[2]).toMatch(/^SIP\/2.0 486 Gone Fishing[\s\S]*Reason: Q.850;cause=17/);
  });

  it('a 302 sends the caller into an extension of the dialplan', async () => {
    const redirects = { steps: [{ at: 20, status: 302, contact: 'sip:direct-carol@127.0.0.1' }] };
    const call = place('sofia/gateway/gw/1', { '1': redirects, carol: answers }, { byeAt: 100 });
    expect((await call.ended).invites.map(({ number }) => number)).toEqual(['1', 'carol']);
  });

  it.each(['callee', 'caller'] as const)('the %s transfers the other party blindly', async (by) => {
    const call = place('sofia/gateway/gw/1', { '1': answers, bob: answers });
    const one = await call.callee('1');
    await call.talking;
    (by === 'callee' ? one : call.caller).refer('direct-bob');
    const bob = await call.callee('bob');
    bob.bye();
    expect((await call.ended).invites.map(({ number }) => number)).toEqual(['1', 'bob']);
  });

  it.each(['callee', 'caller'] as const)('the %s transfers with a consultation call', async (by) => {
    const call = place('sofia/gateway/gw/1', { '1': answers });
    const one = await call.callee('1');
    await call.talking;
    const consultation = place('sofia/gateway/gw2/2', { '2': answers }, { destination: '2' });
    const two = await consultation.callee('2');
    await consultation.talking;
    const transferor = by === 'callee' ? one : call.caller;
    transferor.refer('2', consultation.caller);
    await transferor.ended;
    await consultation.caller.ended;
    two.bye();
    const [first, second] = await Promise.all([call.ended, consultation.ended]);
    const dispositions = [first.hangup, second.hangup].map((event) => event['variable_endpoint_disposition']);
    expect(dispositions).toContain('ATTENDED_TRANSFER');
  });

  it('another phone picks up a call that rings', async () => {
    const call = place('sofia/gateway/gw/1', { '1': { ringAt: 20 } });
    await until('it rings', () => call.caller.statuses.includes(180));
    const picker = place('', {}, { destination: `pickup-${call.uuid}`, byeAt: 300 });
    await call.caller.answered;
    const [{ calledHangups }, { status }] = await Promise.all([call.ended, picker.ended]);
    expect(status).toBe(200);
    expect(calledHangups.map((event) => event['Hangup-Cause'])).toEqual(['PICKED_OFF']);
  });

  it.each([
    ['Yealink SIP-T46S', 'UPDATE'],
    ['snom821/8.7.5.35', 'INFO'],
  ])('a caller with a %s is sent the number of an UPDATE of the called party', async (userAgent, method) => {
    const headers = [['User-Agent', userAgent]] as const;
    const call = place('sofia/gateway/gw/1', { '1': answers }, { headers });
    const one = await call.callee('1');
    const updates = () => requestsTo(call.trace, 'caller');
    await until('the caller sees who answered', () => updates().length === 1);
    // FreeSWITCH drops an update while the one before it is unanswered.
    await sleep(300);
    one.update([['P-Asserted-Identity', '"Bob" <sip:4930555@127.0.0.1>']]);
    await until('the caller sees it', () => leaks(call.trace, 'caller', ['4930555']).length > 0);
    expect(updates()).toEqual([method, method]);
    call.caller.bye();
    await call.ended;
  });

  it('a party puts the call on hold and takes it back', async () => {
    const call = place('sofia/gateway/gw/1', { '1': answers });
    await call.callee('1');
    await call.talking;
    call.caller.reinvite([], 'sendonly');
    const held = () =>
      call.trace.some(({ side, byParty, text }) => side === 'caller' && !byParty && /a=recvonly/.test(text));
    await until('FreeSWITCH has agreed', held);
    call.caller.reinvite();
    call.caller.bye();
    expect((await call.ended).status).toBe(200);
  });

  it('the contacts of user 3000 are too long for getvar', async () => {
    const contacts = await freeswitch.api(`sofia_contact */3000@${freeswitch.domain}`);
    const lengths = contacts.split(',').map((contact) => contact.length);
    expect(lengths).toEqual([expect.any(Number), expect.any(Number)]);
    expect(Math.min(...lengths)).toBeGreaterThan(360);
  });

  it('a call survives a crash of FreeSWITCH with `sofia recover`', async () => {
    const call = place('sofia/gateway/gw/1', { '1': answers });
    const one = await call.callee('1');
    await call.talking;
    await freeswitch.untilRecoverable(call);
    await freeswitch.kill();
    await freeswitch.start();
    expect(await freeswitch.api('sofia recover')).toContain('Recovered 2 call');
    const bridges = () => call.events.filter((event) => event['Event-Name'] === 'CHANNEL_BRIDGE').length;
    await until('the parties are connected again', () => bridges() === 2);
    expect(requestsTo(call.trace, 'caller')).toContain('INVITE');
    one.bye();
    expect((await call.ended).hangup['Unique-ID']).toBe(call.uuid);
  });
});
