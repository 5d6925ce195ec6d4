import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { requestControl } from '#libs/bus/control.ts';
import { DecisionClient } from '#libs/bus/decision-client.ts';
import { liveCallSubject } from '#libs/bus/live-call-stream.ts';
import { LiveCalls } from '#libs/bus/live-calls.ts';
import type { ControlReply, ControlRequest } from '#libs/contract/control.ts';
import { BUS, type LiveCall } from '#libs/contract/messages.ts';
import { SetAside } from '#libs/isolation/set-aside.ts';
import { callContext } from '#libs/telemetry/call-ids.ts';
import { startTestAgent, type TestAgent } from '#test/support/agent/agent.ts';
import { BusView } from '#test/support/agent/agent-process.ts';
import { FreeSwitchCall } from '#test/support/agent/call.ts';
import { decided, type Routers, scriptRouters } from '#test/support/agent/routers.ts';
import { type Api, FakeFreeSwitch, hangupEvent } from '#test/support/esl/fake-freeswitch.ts';
import { withBody } from '#test/support/esl/peer.ts';
import { recordLog } from '#test/support/log.ts';
import { decisionRequest } from '#test/support/router/requests.ts';
import { type NatsServer, startNats } from '#test/support/servers/nats.ts';
import { until } from '#test/support/until.ts';

const URL = 'http://crm.example/calls';
const GOOD = 1_000;

let nats: NatsServer;
let routers: Routers;
let view: BusView;
let freeswitch: FakeFreeSwitch;
let agent: TestAgent;

beforeAll(async () => {
  nats = await startNats();
  routers = await scriptRouters(nats.url);
  routers.script = () => decided({ dial: { type: 'hangup', cause: 17 } });
});
afterAll(async () => {
  await routers.stop();
  await nats.stop();
});
afterEach(async () => {
  await agent.stop();
  await freeswitch.close();
  await view.close();
});

async function start(api?: Api): Promise<void> {
  view = await BusView.open(nats);
  freeswitch = await FakeFreeSwitch.start(api);
  agent = await startTestAgent(nats.url, {
    FREESWITCH_PORT: String(freeswitch.port),
    RECONCILE_CONFIRM_MS: '0',
    CALL_CONTROL: 'on',
  });
  await until(() => agent.freeSwitch.up);
}

const uuids = () => Array.from({ length: GOOD }, () => randomUUID());
const aside = (entry: string) =>
  agent.lines.filter((line) => line.event === 'entry.set_aside' && line['entry'] === entry);

/** The poison in the middle of the good ones. */
const among = <T>(good: readonly T[], poison: readonly T[]): T[] => [
  ...good.slice(0, good.length / 2),
  ...poison,
  ...good.slice(good.length / 2),
];

const liveCall = (uuid: string): LiveCall => ({
  v: 1,
  url: URL,
  uuid,
  node: 'fs1',
  caller_id_number: '1',
  caller_id_name: '',
  destination_number: '2',
  started: '2026-11-23T18:20:26.595Z',
});
const hangupRequest = (uuid: string): ControlRequest => ({ v: 1, do: 'hangup', uuid, by: 'otto' });

describe('one bad entry among a thousand good ones', () => {
  it('a call without a timestamp is refused; the others are decided', async () => {
    await start();
    const place = (uuid: string, stamp: string) =>
      FreeSwitchCall.place(agent.port, {
        uuid,
        headers: { 'Event-Date-Timestamp': stamp },
        variables: { cti_bridge: `${URL} 3000 3000 0` },
      });
    const poison = randomUUID();
    const released: FreeSwitchCall[] = [];
    const waiting = among(uuids(), [poison]);
    const placeSome = async () => {
      for (let uuid = waiting.shift(); uuid !== undefined; uuid = waiting.shift())
        released.push(await (await place(uuid, uuid === poison ? '1e30' : '1795458426595100')).released());
    };
    await Promise.all(Array.from({ length: 50 }, placeSome));
    const decidedCalls = released.filter((call) => call.steering.join().includes('USER_BUSY'));
    expect(decidedCalls).toHaveLength(GOOD);
    expect(agent.errors()).toMatchObject([{ reason: expect.stringContaining(poison) }]);
    expect(agent.health().ready).toBe(true);
  });

  it('an event that cannot be read or published is set aside; the others are published in order', async () => {
    await start();
    const good = uuids();
    const [late, large, node] = [randomUUID(), randomUUID(), randomUUID()];
    const poison = [
      withBody('text/event-json', '{"Event-Name":"CHANNEL_ANSWER","Unique-ID":"broken",'),
      withBody('text/event-json', 'null'),
      hangupEvent(late, URL, { 'Event-Date-Timestamp': '1e30' }),
      hangupEvent(large, URL, { 'Caller-Caller-ID-Name': 'x'.repeat(2 << 20) }),
      hangupEvent(node, URL, { 'FreeSWITCH-Switchname': 'n'.repeat(5_000) }),
    ];
    await freeswitch.send(
      ...among<unknown>(
        good.map((uuid) => hangupEvent(uuid, URL)),
        poison,
      ),
    );
    await until(async () => expect(await view.hangups()).toHaveLength(GOOD));
    const published = (await view.hangups()).map(({ uuid }) => uuid);
    expect(new Set(published)).toEqual(new Set(good));
    await until(() => agent.publisher.buffer.size === 0);
    expect(aside('freeswitch_event').map(({ channel }) => channel)).toEqual([
      'broken',
      undefined,
      late,
      node,
    ]);
    expect(aside('notification').map(({ call }) => call)).toEqual([large]);
    expect(freeswitch.connections).toBe(1);
    expect(agent.bus.connected).toBe(true);
    expect(agent.health().ready).toBe(true);
    expect(agent.health().checks['entries']).toMatch(
      /^\d of kind freeswitch_event set aside in the last 10 min: /,
    );
    expect(agent.lines.filter(({ event }) => event === 'nats.connection_lost')).toEqual([]);
  });

  it('a live call that cannot be read is set aside; the others are closed', async () => {
    view = await BusView.open(nats);
    await start();
    const good = uuids();
    const poison = ['not-json', 'other-schema', 'line\nend'];
    const text = (uuid: string) =>
      uuid === 'not-json' ? '{' : JSON.stringify(uuid === 'other-schema' ? { v: 2 } : liveCall(uuid));
    for (const uuid of among(good, poison)) view.bus.nats.publish(liveCallSubject('fs1', uuid), text(uuid));
    await view.bus.nats.flush();
    await agent.stop();
    await freeswitch.close();
    await start();
    await until('the good calls are closed', async () => {
      const closed = new Set((await view.hangups()).map(({ uuid }) => uuid));
      return good.every((uuid) => closed.has(uuid));
    });
    expect(new Set(aside('live_call').map(({ call }) => call))).toEqual(new Set(poison));
    expect(agent.lines.filter(({ event }) => event === 'live_call.reconcile_failed')).toEqual([]);
  });

  it('a live call that no server accepts is set aside; the entries of the others are written', async () => {
    await start();
    const { log, lines } = recordLog();
    const limits = { replicas: 1, maxBytes: 64 << 20, maxAgeMs: 3_600_000, maxBuffered: 10_000 };
    const live = new LiveCalls(agent.bus, limits, log, new SetAside(log));
    const entry = (uuid: string, url: string): LiveCall => ({ ...liveCall(uuid), node: 'fs2', url });
    const good = uuids();
    const large = randomUUID();
    const calls = among(
      good.map((uuid) => entry(uuid, URL)),
      [entry(large, `${URL}?${'x'.repeat(2 << 20)}`)],
    );
    await Promise.all(calls.map((call) => live.add(call)));
    await until('all are written or set aside', () => live.buffered === 0);
    expect((await live.uuids('fs2')).toSorted()).toEqual(good.toSorted());
    expect(lines.filter(({ event }) => event === 'entry.set_aside')).toHaveLength(1);
  });

  it('a reply that cannot be read fails its own call; the others are decided', async () => {
    await start();
    const poison = ['{', 'null', '{"v":2}', '"\u2028"'].map((text) => ({ text, uuid: randomUUID() }));
    routers.script = ({ request }) =>
      poison.find(({ uuid }) => uuid === request.uuid)?.text ??
      decided({ dial: { type: 'hangup', cause: 17 } });
    const client = new DecisionClient(agent.bus);
    // Messages that belong to no request.
    for (const subject of ['a.b', 'x.0']) view.bus.nats.publish(`${agent.bus.inboxPrefix}.${subject}`, '{');
    const good = uuids();
    const all = among(
      good,
      poison.map(({ uuid }) => uuid),
    );
    const replies = await Promise.all(
      all.map(async (uuid) => {
        const reply = await client.request(decisionRequest(URL, uuid), 20_000, callContext(uuid));
        return [uuid, reply.result] as const;
      }),
    );
    const results = new Map(replies);
    expect(new Set(good.map((uuid) => results.get(uuid)))).toEqual(new Set(['decided']));
    for (const { uuid } of poison) expect(results.get(uuid)).toBe('internal_error');
    routers.script = () => decided({ dial: { type: 'hangup', cause: 17 } });
  });

  it('a control request that is invalid or fails is answered; the others are carried out', async () => {
    const killed: string[] = [];
    await start((command) => {
      const [name, uuid = ''] = command.split(' ');
      if (name === 'uuid_getvar') return uuid;
      if (name === 'uuid_kill') killed.push(uuid);
      return undefined;
    });
    const node = 'fs1';
    await until('the agent serves control requests', async () => {
      const reply = await requestControl(view.bus, node, hangupRequest(randomUUID()));
      return reply.ok;
    });
    killed.length = 0;
    const good = uuids();
    const poison = ['', '{', 'null', '{"v":1,"do":"hangup","uuid":"a b","by":"x"}', '{"v":1,"do":"park"}'];
    const subject = `${BUS.control}.${node}`;
    const texts = among(
      good.map((uuid) => JSON.stringify(hangupRequest(uuid))),
      poison,
    );
    const replies = await Promise.all(
      texts.map(async (text) => (await view.bus.nats.request(subject, text, { timeout: 20_000 })).json()),
    );
    expect(replies.filter((reply) => (reply as ControlReply).ok)).toHaveLength(GOOD);
    expect(new Set(killed)).toEqual(new Set(good));
    expect(aside('nats_message')).toHaveLength(poison.length);
    expect(agent.health().checks['entries']).toMatch(/5 of kind nats_message set aside/);
  });
});
