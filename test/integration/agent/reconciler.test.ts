import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LiveCalls } from '#libs/bus/live-calls.ts';
import type { SimulatedCall } from '#libs/simulator/call-record.ts';
import { SimulatedFreeSwitch } from '#libs/simulator/simulated-freeswitch.ts';
import { AgentProcess, BusView, eventually } from '#test/support/agent/agent-process.ts';
import { CuttableProxy } from '#test/support/agent/cuttable-proxy.ts';
import { decided, type Routers, scriptRouters } from '#test/support/agent/routers.ts';
import { recordLog } from '#test/support/log.ts';
import { type NatsServer, startNats } from '#test/support/servers/nats.ts';

const QUICK = {
  RECONCILE_INTERVAL_MS: '200',
  RECONCILE_CONFIRM_MS: '100',
  RECONCILE_RESTART_WAIT_MS: '0',
};

let nats: NatsServer;
let view: BusView;
let routers: Routers;
let node: SimulatedFreeSwitch;
let gate: CuttableProxy;
let agents: AgentProcess[];

beforeEach(async () => {
  nats = await startNats();
  view = await BusView.open(nats);
  routers = await scriptRouters(nats.url);
  routers.script = () => decided({ dial: { type: 'gateway', number: '123456', gateway: 'gw' } });
  node = await SimulatedFreeSwitch.start({ name: 'fs 1.example', users: USERS });
  node.gateways.add('gw');
  gate = await CuttableProxy.to(node.port);
  agents = [];
});
afterEach(async () => {
  await node.stop();
  await Promise.all(agents.map((agent) => agent.stop()));
  await gate.close();
  await routers.stop();
  await view.close();
  await nats.stop();
});

async function agent(env: Record<string, string> = {}): Promise<AgentProcess> {
  const started = await AgentProcess.start({
    NATS_URL: nats.url,
    FREESWITCH_PORT: String(gate.port),
    ...QUICK,
    ...env,
  });
  agents.push(started);
  return started;
}

const place = (...to: readonly AgentProcess[]): SimulatedCall =>
  node.call({
    caller: { number: '13800138000', name: `张三 O'Brien` },
    destination: '0555',
    variables: { cti_bridge: 'http://crm/binding?a=1 3000 3000 1' },
    dialplan: [`socket ${to.map(({ port }) => `127.0.0.1:${port}`).join('|')}`],
    callee: () => ({ ringAt: 0, answerAt: 1 }),
  });

/** An answered call whose notifications are published and whose live entry is written. */
async function answered(...to: readonly AgentProcess[]): Promise<SimulatedCall> {
  const call = place(...to);
  await eventually(async () => (await view.published(call.uuid)).some(({ action }) => action === 'answer'));
  await eventually(async () => (await view.live()).some(({ uuid }) => uuid === call.uuid));
  return call;
}

const hangupOf = (call: SimulatedCall) => eventually(async () => (await view.hangups(call.uuid))[0]);
async function natsBack(): Promise<void> {
  nats = await startNats({ port: nats.port, storeDir: nats.storeDir });
  await eventually(() => view.bus.connected);
}
const noLiveCalls = () => eventually(async () => (await view.liveCount()) === 0);
const published = (uuid: string) =>
  agents.flatMap(({ lines }) =>
    lines.filter(
      (line) =>
        line.event === 'notification.published' && line['call'] === uuid && line['action'] === 'hangup',
    ),
  );

const COMPARED = 'live_call.reconciled';
const EVENTS = ['CHANNEL_PROGRESS', 'CHANNEL_PROGRESS_MEDIA', 'CHANNEL_ANSWER', 'CHANNEL_HANGUP_COMPLETE'];
const USERS = [
  { user: 'least', domain: 'pbx', password: 'x', allowedEvents: EVENTS, allowedApi: ['show', 'uuid_exists'] },
  { user: 'none', domain: 'pbx', password: 'x', allowedEvents: EVENTS, allowedApi: ['none'] },
];
const as = (user: string) => ({ FREESWITCH_USER: `${user}@pbx`, FREESWITCH_PASSWORD: 'x', NODE_NAME: 'fs1' });
const CLOSED = 'live_call.closed';
const LIMITS = { replicas: 1, maxBytes: 256 << 20, maxAgeMs: 86_400_000, maxBuffered: 100_000 };
const NOT_COMPARED = 'live_call.reconcile_failed';
const DOWN = 'freeswitch.disconnected';
const RECOVERED = { recovered: true, cause: 'UNKNOWN', q850: 0 };

describe('a call whose hangup no agent sees', () => {
  it('gets a synthesized hangup from an agent that was killed and restarted', async () => {
    const first = await agent();
    const call = await answered(first);
    await first.kill();
    call.hangup();
    await call.ended;
    await agent();
    const hangup = await hangupOf(call);
    expect(hangup).toEqual({
      action: 'hangup',
      uuid: call.uuid,
      leg: call.uuid,
      node: 'fs 1.example',
      time: expect.any(String),
      started: expect.any(String),
      caller_id_number: '13800138000',
      caller_id_name: `张三 O'Brien`,
      destination_number: '0555',
      ...RECOVERED,
    });
    await noLiveCalls();
    expect(await view.hangups(call.uuid)).toHaveLength(1);
    expect(published(call.uuid)).toHaveLength(1);
  });

  it('gets its own hangup when the node has a second agent', async () => {
    const first = await agent();
    const second = await agent();
    const call = await answered(first, second);
    await first.kill();
    call.hangup();
    const hangup = await hangupOf(call);
    expect(hangup).not.toHaveProperty('recovered');
    expect(hangup).toMatchObject({ cause: 'NORMAL_CLEARING', hangup_by: 'caller' });
    await noLiveCalls();
    const third = await agent();
    await eventually(() => third.said(COMPARED));
    expect(third.said(COMPARED)).toMatchObject({ live: 0 });
    expect(await view.hangups(call.uuid)).toHaveLength(1);
    expect(published(call.uuid)).toHaveLength(1);
  });

  it('gets a synthesized hangup when the event socket was cut', async () => {
    const one = await agent();
    const call = await answered(one);
    gate.shut();
    await eventually(() => one.said(DOWN));
    call.hangup();
    await call.ended;
    gate.open();
    expect(await hangupOf(call)).toMatchObject(RECOVERED);
    await noLiveCalls();
    expect(published(call.uuid)).toHaveLength(1);
  });

  it('gets a synthesized hangup when FreeSWITCH dies and comes back, each call once', async () => {
    const one = await agent();
    const calls = await Promise.all(Array.from({ length: 20 }, () => answered(one)));
    await node.restart();
    for (const call of calls) expect(await hangupOf(call)).toMatchObject(RECOVERED);
    await noLiveCalls();
    expect(await view.hangups()).toHaveLength(20);
  });

  it('gets one synthesized hangup from two agents that both missed it', async () => {
    const pair = await Promise.all([agent(), agent()]);
    const call = await answered(...pair);
    await node.restart();
    expect(await hangupOf(call)).toMatchObject(RECOVERED);
    await noLiveCalls();
    expect(published(call.uuid)).toHaveLength(1);
  });

  it('gets a synthesized hangup when FreeSWITCH falls silent without closing', async () => {
    const one = await agent({ EVENT_SOCKET_SILENCE_MS: '200' });
    const call = await answered(one);
    gate.fallSilent();
    call.hangup();
    await call.ended;
    await eventually(() => one.said(DOWN));
    gate.speak();
    expect(await hangupOf(call)).toMatchObject(RECOVERED);
    await noLiveCalls();
  });
});

describe('a live call', () => {
  it('gets its own hangup after the agent was killed and came back', async () => {
    const first = await agent();
    const call = await answered(first);
    await first.kill();
    const second = await agent();
    await eventually(() => second.count(COMPARED) >= 3);
    expect(second.said(COMPARED)).toMatchObject({ live: 1, gone: 0 });
    expect(await view.live()).toHaveLength(1);
    call.hangup();
    const hangup = await hangupOf(call);
    expect(hangup).not.toHaveProperty('recovered');
    expect(hangup).toMatchObject({ cause: 'NORMAL_CLEARING' });
    await noLiveCalls();
    expect(await view.hangups(call.uuid)).toHaveLength(1);
  });

  it('leaves no live call after its hangup', async () => {
    const one = await agent();
    const calls = await Promise.all(Array.from({ length: 20 }, () => answered(one)));
    for (const call of calls) call.hangup();
    await noLiveCalls();
    expect(await view.hangups()).toHaveLength(20);
    expect(one.said(CLOSED)).toBeUndefined();
  });
});

describe('an event socket user', () => {
  it('needs show and uuid_exists, and switchname only without NODE_NAME', async () => {
    const one = await agent(as('least'));
    const call = await answered(one);
    await node.restart();
    expect(await hangupOf(call)).toMatchObject({ ...RECOVERED, node: 'fs1' });
    await noLiveCalls();
  });

  it('without permission logs it, and closes no call', async () => {
    const one = await agent({ ...as('none'), EVENT_SOCKET_SILENCE_MS: '100' });
    const call = await answered(one);
    await eventually(() => one.count(NOT_COMPARED) >= 3);
    expect(JSON.stringify(one.lines.findLast(({ event }) => event === NOT_COMPARED))).toContain(
      'permission denied',
    );
    expect(one.count(DOWN)).toBe(0);
    expect(await view.live()).toHaveLength(1);
    call.hangup();
    expect(await hangupOf(call)).not.toHaveProperty('recovered');
  });
});

describe('a call while NATS is down', () => {
  it('is stored when NATS comes back, although FreeSWITCH could not be queried', async () => {
    const one = await agent({ ACCEPT_WITHOUT_NATS: 'on' });
    await nats.kill();
    await eventually(() => one.said('nats.connection_lost'));
    const call = place(one);
    await eventually(() => one.said('call.not_decided'));
    await natsBack();
    await call.ended;
    expect(await hangupOf(call)).toMatchObject({ result: 'no_router' });
    await noLiveCalls();
    expect(await view.hangups(call.uuid)).toHaveLength(1);
  });

  it('is closed when it ended before NATS is back', async () => {
    const one = await agent({ ACCEPT_WITHOUT_NATS: 'on' });
    await nats.kill();
    await eventually(() => one.said('nats.connection_lost'));
    const call = node.call({
      caller: { number: '1', name: '' },
      destination: '2',
      variables: { cti_bridge: 'http://crm/ 3000 3000 1' },
      dialplan: [`socket 127.0.0.1:${one.port}`, 'bridge sofia/gateway/gw/fallback'],
      callee: () => ({ answerAt: 0 }),
    });
    await eventually(() => one.said('call.not_decided'));
    gate.shut();
    await eventually(() => one.said(DOWN));
    call.hangup();
    await call.ended;
    await natsBack();
    await eventually(async () => (await view.liveCount()) === 1);
    gate.open();
    expect(await hangupOf(call)).toMatchObject(RECOVERED);
    await noLiveCalls();
  });
});

describe('ten thousand calls', () => {
  it('are closed once each, and a live one is not', async () => {
    const one = await agent();
    const call = await answered(one);
    await one.kill();
    const known = (await view.live())[0];
    if (known === undefined) throw new Error('no live call');
    const live = new LiveCalls(view.bus, LIMITS, recordLog().log);
    for (let n = 0; n < 10_000; n++) live.add({ ...known, uuid: `call-${n}` });
    await eventually(() => live.buffered === 0);
    await live.drain(AbortSignal.abort());
    const next = await agent();
    await eventually(() => next.said(CLOSED));
    await eventually(async () => (await view.liveCount()) === 1);
    call.hangup();
    await noLiveCalls();
    const hangups = await view.hangups();
    expect(new Set(hangups.map(({ uuid }) => uuid)).size).toBe(10_001);
    expect(hangups).toHaveLength(10_001);
    expect(hangups.at(-1)).not.toHaveProperty('recovered');
  }, 120_000);
});

describe('notify type 0', () => {
  it('stores no live call', async () => {
    const one = await agent();
    const call = node.call({
      caller: { number: '1', name: '' },
      destination: '2',
      variables: { cti_bridge: 'http://crm/ 3000 3000 0' },
      dialplan: [`socket 127.0.0.1:${one.port}`],
      callee: () => ({ answerAt: 0 }),
      byeAt: 0,
    });
    await call.ended;
    await answered(one);
    expect(await view.live()).toHaveLength(1);
    expect(await view.published(call.uuid)).toEqual([]);
  });
});
