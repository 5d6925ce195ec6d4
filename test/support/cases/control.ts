import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Bus } from '#libs/bus/connection.ts';
import { requestControl } from '#libs/bus/control.ts';
import type { ControlRequest } from '#libs/contract/control.ts';
import { CALL_VARIABLE } from '#libs/dialplan/applications.ts';
import { type FreeSwitchEvent, InboundConnection } from '#libs/esl/inbound.ts';
import { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { CallControl } from '#services/agent/call-control.ts';
import { type CallTaker, takeCalls } from '#test/support/agent/agent.ts';
import { decided, type Routers, scriptRouters } from '#test/support/agent/routers.ts';
import { recordLog } from '#test/support/log.ts';
import { type NatsServer, startNats } from '#test/support/servers/nats.ts';
import type { Callee, Switch } from './switch.ts';

const { log } = recordLog();
const EVENTS = ['CHANNEL_PROGRESS', 'CHANNEL_ANSWER', 'CHANNEL_BRIDGE', 'CHANNEL_HANGUP_COMPLETE'];
const dial = (number: string) => decided({ dial: { type: 'gateway', number, gateway: 'gw' } });

/** What an operator can do to a live call, and cannot, on a FreeSWITCH whose context `transferred` dials gateway gw. */
export function runControl(start: () => Promise<Switch>): void {
  let nats: NatsServer;
  let lifecycle: Lifecycle;
  let bus: Bus;
  let routers: Routers;
  let taker: CallTaker;
  let one: Switch;
  let events: FreeSwitchEvent[];
  let control: InboundConnection;

  beforeAll(async () => {
    [nats, one] = await Promise.all([startNats(), start()]);
    routers = await scriptRouters(nats.url);
    taker = await takeCalls(nats.url);
    lifecycle = new Lifecycle(log, 5_000);
    bus = await Bus.connect(nats.url, 'test', lifecycle, log);
    events = [];
    const up = Promise.withResolvers<void>();
    const calls = new CallControl({
      on: true,
      bus,
      api: (command) => control.api(command),
      nodeName: 'node',
      log,
    });
    control = new InboundConnection({
      ...one.eventSocket,
      user: undefined,
      events: EVENTS,
      filters: [[`variable_${CALL_VARIABLE}`, '/.+/']],
      onEvent: (event) => events.push(event),
      onUp: () => {
        calls.begin();
        up.resolve();
      },
      onDown: () => calls.pause(),
      onFault: () => {},
    });
    lifecycle.onStop('event socket', () => control.close());
    lifecycle.onStop('call control', () => calls.pause());
    await up.promise;
    await bus.nats.flush();
  });
  afterAll(async () => {
    await lifecycle?.stop();
    await taker?.stop();
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
  ) {
    routers.script = () => dial('1');
    const before = routers.requests.length;
    const call = one.call({
      caller: { number: '138', name: '张三' },
      destination: '0555',
      ctiBridge: 'http://crm/',
      socket: `127.0.0.1:${taker.port}`,
      fallback: 'error/USER_BUSY',
      callees,
      byeAt: 5_000,
      cancelAt: 8_000,
    });
    await expect.poll(() => routers.requests.length, { timeout: 10_000 }).toBe(before + 1);
    const uuid = routers.requests.at(-1)?.request.uuid ?? '';
    await expect.poll(() => seen(event, uuid), { timeout: 10_000 }).toBe(true);
    const reply = await act(uuid);
    return { uuid, reply, outcome: await call };
  }

  const hangup = (uuid: string): ControlRequest => ({ v: 1, do: 'hangup', uuid, by: 'otto' });
  const transfer = (uuid: string, destination: string, context = 'transferred'): ControlRequest => ({
    ...{ v: 1, do: 'transfer', uuid, by: 'otto', destination, context },
  });
  const ask = (request: ControlRequest) => requestControl(bus, 'node', request);
  const end = (uuid: string) =>
    events.find((event) => event['Event-Name'] === 'CHANNEL_HANGUP_COMPLETE' && event['Unique-ID'] === uuid);
  const answers: Callee = { ringAt: 20, answerAt: 60 };
  const OK = { v: 1, ok: true };

  describe('a live call', () => {
    it('is hung up while it is up, with a cause that says who it was', async () => {
      const { uuid, reply } = await during('CHANNEL_BRIDGE', { '1': answers }, (call) => ask(hangup(call)));
      expect(reply).toEqual(OK);
      await expect
        .poll(() => end(uuid), { timeout: 10_000 })
        .toMatchObject({ 'Hangup-Cause': 'MANAGER_REQUEST' });
    });

    it('is hung up while it rings', async () => {
      const rings = { '1': { ringAt: 20 } };
      const { reply, outcome } = await during('CHANNEL_PROGRESS', rings, (call) => ask(hangup(call)));
      expect(reply).toEqual(OK);
      expect(outcome).toMatchObject({ status: 480, reason: 'MANAGER_REQUEST' });
    });

    it.each([
      ['up', 'CHANNEL_BRIDGE', answers],
      ['ringing', 'CHANNEL_PROGRESS', { ringAt: 20 }],
    ])('is transferred while it is %s, and stays a call of Dialhook', async (_, event, callee) => {
      const callees = { '1': callee, '7777': { ...answers, hangsUpAt: 200 } };
      const { uuid, reply, outcome } = await during(event, callees, (call) => ask(transfer(call, '7777')));
      expect(reply).toEqual(OK);
      expect(outcome.invites.map(({ number }) => number)).toEqual(['1', '7777']);
      expect(outcome.status).toBe(200);
      await expect
        .poll(() => end(uuid), { timeout: 10_000 })
        .toMatchObject({
          'Caller-Destination-Number': '7777',
          'Caller-Context': 'transferred',
          'Caller-RDNIS': '0555',
          'Hangup-Cause': 'NORMAL_CLEARING',
          [`variable_${CALL_VARIABLE}`]: uuid,
          variable_max_forwards: '69',
        });
      const answered = events.filter(
        (one) => one['Event-Name'] === 'CHANNEL_ANSWER' && one['Caller-Destination-Number'] === '7777',
      );
      expect(answered.at(-1)).toMatchObject({ [`variable_${CALL_VARIABLE}`]: uuid });
    });

    it('ends when there is no such extension', async () => {
      const { uuid, reply } = await during('CHANNEL_BRIDGE', { '1': answers }, (call) =>
        ask(transfer(call, '7777', 'nowhere')),
      );
      expect(reply).toEqual(OK);
      await expect
        .poll(() => end(uuid), { timeout: 10_000 })
        .toMatchObject({ 'Hangup-Cause': 'NO_ROUTE_DESTINATION' });
    });
  });

  it('what has ended, what is a called leg, and what is not Dialhook’s is left alone, in words', async () => {
    const { uuid, reply } = await during('CHANNEL_BRIDGE', { '1': answers }, async (call) => {
      const called = events.find(
        (event) => event['Event-Name'] === 'CHANNEL_ANSWER' && event['Other-Leg-Unique-ID'] === call,
      );
      const refusal = await ask(hangup(String(called?.['Unique-ID'])));
      return [refusal, await ask(hangup(call))];
    });
    expect(reply).toEqual([{ v: 1, ok: false, error: "this is no caller's leg of a call of Dialhook" }, OK]);
    expect(await ask(hangup(uuid))).toEqual({
      v: 1,
      ok: false,
      error: 'FreeSWITCH has no such call: it has ended',
    });
  });
}
