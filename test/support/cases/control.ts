import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requestControl } from '#libs/bus/control.ts';
import { callIdOf } from '#libs/contract/call-id.ts';
import type { ControlRequest } from '#libs/contract/control.ts';
import { CALL_VARIABLE } from '#libs/dialplan/applications.ts';
import { type FreeSwitchEvent, InboundConnection } from '#libs/esl/inbound.ts';
import { startTestAgent, type TestAgent } from '#test/support/agent/agent.ts';
import { decided, type Routers, scriptRouters } from '#test/support/agent/routers.ts';
import { type NatsServer, startNats } from '#test/support/servers/nats.ts';
import { until } from '#test/support/until.ts';
import type { Callee, CallScript, CaseNode } from './case-node.ts';

const EVENTS = ['CHANNEL_PROGRESS', 'CHANNEL_ANSWER', 'CHANNEL_BRIDGE', 'CHANNEL_HANGUP_COMPLETE'];
const dial = (number: string) => decided({ dial: { type: 'gateway', number, gateway: 'gw' } });

/** Call-IDs that are no safe ids: the id of their call is derived. */
const DERIVED = [
  'abc%0Adef',
  'a,b;c',
  String.raw`o'neill\"n\x`,
  "'quoted'",
  '^^:a:b',
  '呼叫',
  '-bleg',
  '~a{b}|^c',
];

/** What an operator can do to a live call, and cannot, on a FreeSWITCH whose context `transferred` dials gateway gw. */
export function runControl(start: () => Promise<CaseNode>): void {
  let nats: NatsServer;
  let routers: Routers;
  let agent: TestAgent;
  let one: CaseNode;
  let events: FreeSwitchEvent[];
  let watcher: InboundConnection;

  beforeAll(async () => {
    [nats, one] = await Promise.all([startNats(), start()]);
    routers = await scriptRouters(nats.url);
    agent = await startTestAgent(nats.url, {
      CALL_CONTROL: 'on',
      NODE_NAME: 'node',
      FREESWITCH_HOST: one.eventSocket.host,
      FREESWITCH_PORT: String(one.eventSocket.port),
      FREESWITCH_PASSWORD: one.eventSocket.password,
    });
    events = [];
    const up = Promise.withResolvers<void>();
    watcher = new InboundConnection({
      ...one.eventSocket,
      user: undefined,
      events: EVENTS,
      filters: [[`variable_${CALL_VARIABLE}`, '/.+/']],
      onEvent: (event) => events.push(event),
      onUp: up.resolve,
      onDown: () => {},
      onFault: () => {},
    });
    await up.promise;
    await until(() => expect(agent.freeSwitch.up).toBe(true));
    await agent.bus.nats.flush();
  });
  afterAll(async () => {
    watcher?.close();
    await agent?.stop();
    await routers?.stop();
    await Promise.all([one?.stop(), nats?.stop()]);
  });

  const seen = (name: string, uuid: string) =>
    events.some((event) => event['Event-Name'] === name && event[`variable_${CALL_VARIABLE}`] === uuid);

  /** Places a call, does something to it when the event comes, and waits for its end. */
  async function during(
    event: string,
    callees: Record<string, Callee>,
    act: (uuid: string) => Promise<unknown>,
    given: Pick<CallScript, 'callId'> & { readonly notifyType?: 0 | 1 } = {},
  ) {
    routers.script = () => dial('1');
    const before = routers.requests.length;
    const call = one.call({
      caller: { number: '138', name: '张三' },
      destination: '0555',
      ...(given.callId === undefined ? {} : { callId: given.callId }),
      ctiBridge: `http://crm/ 3000 3000 ${given.notifyType ?? 1}`,
      socket: `127.0.0.1:${agent.port}`,
      fallback: 'error/USER_BUSY',
      callees,
      byeAt: 5_000,
      cancelAt: 8_000,
    });
    await until('the call is received', () => routers.requests.length === before + 1);
    const uuid = routers.requests.at(-1)?.request.uuid ?? '';
    await until(event, () => seen(event, uuid));
    const reply = await act(uuid);
    return { uuid, reply, outcome: await call };
  }

  const hangup = (uuid: string): ControlRequest => ({ v: 1, do: 'hangup', uuid, by: 'otto' });
  const transfer = (uuid: string, destination: string, context = 'transferred'): ControlRequest => ({
    ...{ v: 1, do: 'transfer', uuid, by: 'otto', destination, context },
  });
  const request = (message: ControlRequest) => requestControl(agent.bus, 'node', message);
  const end = (uuid: string) =>
    events.find((event) => event['Event-Name'] === 'CHANNEL_HANGUP_COMPLETE' && event['Unique-ID'] === uuid);
  const answers: Callee = { ringAt: 20, answerAt: 60 };
  const OK = { v: 1, ok: true };

  describe('a live call', () => {
    it('is hung up after the answer, with the cause of an operator', async () => {
      const { uuid, reply } = await during('CHANNEL_BRIDGE', { '1': answers }, (call) =>
        request(hangup(call)),
      );
      expect(reply).toEqual(OK);
      await until(() => expect(end(uuid)).toMatchObject({ 'Hangup-Cause': 'MANAGER_REQUEST' }));
    });

    it('is hung up while it rings', async () => {
      const rings = { '1': { ringAt: 20 } };
      const { reply, outcome } = await during('CHANNEL_PROGRESS', rings, (call) => request(hangup(call)));
      expect(reply).toEqual(OK);
      expect(outcome).toMatchObject({ status: 480, reason: 'MANAGER_REQUEST' });
    });

    it.each([
      ['up', 'CHANNEL_BRIDGE', answers],
      ['ringing', 'CHANNEL_PROGRESS', { ringAt: 20 }],
    ])('is transferred while it is %s, and stays a call of Dialhook', async (_, event, callee) => {
      const callees = { '1': callee, '7777': { ...answers, hangsUpAt: 200 } };
      const { uuid, reply, outcome } = await during(event, callees, (call) =>
        request(transfer(call, '7777')),
      );
      expect(reply).toEqual(OK);
      expect(outcome.invites.map(({ number }) => number)).toEqual(['1', '7777']);
      expect(outcome.status).toBe(200);
      await until(() =>
        expect(end(uuid)).toMatchObject({
          'Caller-Destination-Number': '7777',
          'Caller-Context': 'transferred',
          'Caller-RDNIS': '0555',
          'Hangup-Cause': 'NORMAL_CLEARING',
          [`variable_${CALL_VARIABLE}`]: uuid,
          variable_max_forwards: '69',
        }),
      );
      const answered = events.filter(
        (one) => one['Event-Name'] === 'CHANNEL_ANSWER' && one['Caller-Destination-Number'] === '7777',
      );
      expect(answered.at(-1)).toMatchObject({ [`variable_${CALL_VARIABLE}`]: uuid });
    });

    it('ends when there is no such extension', async () => {
      const { uuid, reply } = await during('CHANNEL_BRIDGE', { '1': answers }, (call) =>
        request(transfer(call, '7777', 'nowhere')),
      );
      expect(reply).toEqual(OK);
      await until(() => expect(end(uuid)).toMatchObject({ 'Hangup-Cause': 'NO_ROUTE_DESTINATION' }));
    });
  });

  it.each(DERIVED)('hangs up and transfers the call whose uuid in FreeSWITCH is %s', async (text) => {
    const killed = { callId: `${text}-1@h` };
    const hungUp = await during('CHANNEL_BRIDGE', { '1': answers }, (call) => request(hangup(call)), killed);
    expect(hungUp).toMatchObject({ uuid: callIdOf(killed.callId), reply: OK });
    const moved = { callId: `${text}-2@h` };
    const callees = { '1': answers, '7777': { ...answers, hangsUpAt: 200 } };
    const transferred = await during(
      'CHANNEL_BRIDGE',
      callees,
      (call) => request(transfer(call, '7777')),
      moved,
    );
    expect(transferred).toMatchObject({ uuid: callIdOf(moved.callId), reply: OK });
    expect(transferred.outcome.invites.map(({ number }) => number)).toEqual(['1', '7777']);
  });

  it('refuses a call with a derived id and notify type 0, with the reason', async () => {
    const given = { callId: 'a,b-3@h', notifyType: 0 } as const;
    const { reply } = await during(
      'CHANNEL_BRIDGE',
      { '1': { ...answers, hangsUpAt: 200 } },
      (call) => request(hangup(call)),
      given,
    );
    expect(reply).toEqual({
      v: 1,
      ok: false,
      error: 'the uuid of this call in FreeSWITCH is not known: the call has ended, or its notify type is 0',
    });
  });

  it('refuses a call that has ended, a called leg, and a call of others, with the reason', async () => {
    const { uuid, reply } = await during('CHANNEL_BRIDGE', { '1': answers }, async (call) => {
      const called = events.find(
        (event) => event['Event-Name'] === 'CHANNEL_ANSWER' && event['Other-Leg-Unique-ID'] === call,
      );
      const refusal = await request(hangup(String(called?.['Unique-ID'])));
      return [refusal, await request(hangup(call))];
    });
    expect(reply).toEqual([{ v: 1, ok: false, error: 'not the caller leg of a call of Dialhook' }, OK]);
    expect(await request(hangup(uuid))).toEqual({
      v: 1,
      ok: false,
      error: 'the call has ended: FreeSWITCH no longer has it',
    });
  });
}
