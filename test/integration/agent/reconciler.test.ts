import { describe, expect, it } from 'vitest';
import { LiveCalls } from '#libs/bus/live-calls.ts';
import { SetAside } from '#libs/isolation/set-aside.ts';
import { eventually } from '#test/support/agent/agent-process.ts';
import { as, LiveCallHarness } from '#test/support/agent/live-call-harness.ts';
import { decided } from '#test/support/agent/routers.ts';
import { quietLog } from '#test/support/log.ts';

const COMPARED = 'live_call.reconciled';
const CLOSED = 'live_call.closed';
const LIMITS = { replicas: 1, maxBytes: 256 << 20, maxAgeMs: 86_400_000, maxBuffered: 100_000 };
const NOT_COMPARED = 'live_call.reconcile_failed';
const DOWN = 'freeswitch.disconnected';
const RECOVERED = { recovered: true, cause: 'UNKNOWN', q850: 0 };

describe.concurrent('a call whose hangup no agent sees', () => {
  it('gets a synthesized hangup from an agent that was killed and restarted', async () => {
    await using harness = await LiveCallHarness.start();
    const first = await harness.agent();
    const call = await harness.answered(first);
    await first.kill();
    call.hangup();
    await call.ended;
    await harness.agent();
    const hangup = await harness.hangupOf(call);
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
    await harness.noLiveCalls();
    expect(await harness.view.hangups(call.uuid)).toHaveLength(1);
    expect(harness.publishedHangups(call.uuid)).toBe(1);
  });

  it('gets it with data at the notify_url of its decision', async () => {
    await using harness = await LiveCallHarness.start();
    const data = { order: 'A-17' };
    const notify_url = 'http://crm/notifications';
    harness.script = () =>
      decided({ data, notify_url, dial: { type: 'gateway', number: '123456', gateway: 'gw' } });
    const first = await harness.agent();
    const call = await harness.answered(first);
    await eventually(async () => (await harness.view.live()).some((live) => live.data !== undefined));
    await first.kill();
    call.hangup();
    await call.ended;
    await harness.agent();
    expect(await harness.hangupOf(call)).toMatchObject({ data, ...RECOVERED });
    expect(await harness.view.urls(call.uuid)).toEqual([notify_url]);
  });

  it('gets its own hangup with data from an agent that knows only the event', async () => {
    await using harness = await LiveCallHarness.start();
    harness.script = () =>
      decided({ data: ['x'], dial: { type: 'gateway', number: '123456', gateway: 'gw' } });
    const first = await harness.agent();
    const call = await harness.answered(first);
    await first.kill();
    const second = await harness.agent();
    await eventually(() => second.said(COMPARED));
    call.hangup();
    const hangup = await harness.hangupOf(call);
    expect(hangup).toMatchObject({ data: ['x'], cause: 'NORMAL_CLEARING' });
    expect(hangup).not.toHaveProperty('recovered');
  });

  it('gets its own hangup when the node has a second agent', async () => {
    await using harness = await LiveCallHarness.start();
    const first = await harness.agent();
    const second = await harness.agent();
    const call = await harness.answered(first, second);
    await first.kill();
    call.hangup();
    const hangup = await harness.hangupOf(call);
    expect(hangup).not.toHaveProperty('recovered');
    expect(hangup).toMatchObject({ cause: 'NORMAL_CLEARING', hangup_by: 'caller' });
    await harness.noLiveCalls();
    const third = await harness.agent();
    await eventually(() => third.said(COMPARED));
    expect(third.said(COMPARED)).toMatchObject({ live: 0 });
    expect(await harness.view.hangups(call.uuid)).toHaveLength(1);
    expect(harness.publishedHangups(call.uuid)).toBe(1);
  });

  it('gets a synthesized hangup when the event socket was cut', async () => {
    await using harness = await LiveCallHarness.start();
    const one = await harness.agent();
    const call = await harness.answered(one);
    harness.gate.shut();
    await eventually(() => one.said(DOWN));
    call.hangup();
    await call.ended;
    harness.gate.open();
    expect(await harness.hangupOf(call)).toMatchObject(RECOVERED);
    await harness.noLiveCalls();
    expect(harness.publishedHangups(call.uuid)).toBe(1);
  });

  it('gets a synthesized hangup when FreeSWITCH dies and comes back, each call once', async () => {
    await using harness = await LiveCallHarness.start();
    const one = await harness.agent();
    const calls = await Promise.all(Array.from({ length: 20 }, () => harness.answered(one)));
    await harness.node.restart();
    for (const call of calls) expect(await harness.hangupOf(call)).toMatchObject(RECOVERED);
    await harness.noLiveCalls();
    expect(await harness.view.hangups()).toHaveLength(20);
  });

  it('gets one synthesized hangup from two agents that both missed it', async () => {
    await using harness = await LiveCallHarness.start();
    const pair = await Promise.all([harness.agent(), harness.agent()]);
    const call = await harness.answered(...pair);
    await harness.node.restart();
    expect(await harness.hangupOf(call)).toMatchObject(RECOVERED);
    await harness.noLiveCalls();
    expect(harness.publishedHangups(call.uuid)).toBe(1);
  });
});

describe.concurrent('a live call', () => {
  it('gets its own hangup after the agent was killed and came back', async () => {
    await using harness = await LiveCallHarness.start();
    const first = await harness.agent();
    const call = await harness.answered(first);
    await first.kill();
    const second = await harness.agent();
    await eventually(() => second.count(COMPARED) >= 3);
    expect(second.said(COMPARED)).toMatchObject({ live: 1, gone: 0 });
    expect(await harness.view.live()).toHaveLength(1);
    call.hangup();
    const hangup = await harness.hangupOf(call);
    expect(hangup).not.toHaveProperty('recovered');
    expect(hangup).toMatchObject({ cause: 'NORMAL_CLEARING' });
    await harness.noLiveCalls();
    expect(await harness.view.hangups(call.uuid)).toHaveLength(1);
  });

  it('leaves no live call after its hangup', async () => {
    await using harness = await LiveCallHarness.start();
    const one = await harness.agent();
    const calls = await Promise.all(Array.from({ length: 20 }, () => harness.answered(one)));
    for (const call of calls) call.hangup();
    await harness.noLiveCalls();
    expect(await harness.view.hangups()).toHaveLength(20);
    expect(one.said(CLOSED)).toBeUndefined();
  });
});

describe.concurrent('an event socket user', () => {
  it('needs show and uuid_exists, and switchname only without NODE_NAME', async () => {
    await using harness = await LiveCallHarness.start();
    const one = await harness.agent(as('least'));
    const call = await harness.answered(one);
    await harness.node.restart();
    expect(await harness.hangupOf(call)).toMatchObject({ ...RECOVERED, node: 'fs1' });
    await harness.noLiveCalls();
  });
});

describe.concurrent('a call while NATS is down', () => {
  it('is stored when NATS comes back, although FreeSWITCH could not be queried', async () => {
    await using harness = await LiveCallHarness.start();
    const one = await harness.agent({ ACCEPT_WITHOUT_NATS: 'on' });
    await harness.nats.kill();
    await eventually(() => one.said('nats.connection_lost'));
    const call = harness.place(one);
    await eventually(() => one.said('call.not_decided'));
    await harness.natsBack();
    await call.ended;
    expect(await harness.hangupOf(call)).toMatchObject({ result: 'no_router' });
    await harness.noLiveCalls();
    expect(await harness.view.hangups(call.uuid)).toHaveLength(1);
  });

  it('is closed when it ended before NATS is back', async () => {
    await using harness = await LiveCallHarness.start();
    const one = await harness.agent({ ACCEPT_WITHOUT_NATS: 'on' });
    await harness.nats.kill();
    await eventually(() => one.said('nats.connection_lost'));
    const call = harness.node.call({
      caller: { number: '1', name: '' },
      destination: '2',
      variables: { cti_bridge: 'http://crm/ 3000 3000 1' },
      dialplan: [`socket 127.0.0.1:${one.port}`, 'bridge sofia/gateway/gw/fallback'],
      callee: () => ({ answerAt: 0 }),
    });
    await eventually(() => one.said('call.not_decided'));
    harness.gate.shut();
    await eventually(() => one.said(DOWN));
    call.hangup();
    await call.ended;
    await harness.natsBack();
    await eventually(async () => (await harness.view.liveCount()) === 1);
    harness.gate.open();
    expect(await harness.hangupOf(call)).toMatchObject(RECOVERED);
    await harness.noLiveCalls();
  });
});

describe.concurrent('ten thousand calls', () => {
  it('are closed once each, and a live one is not', async () => {
    await using harness = await LiveCallHarness.start();
    const one = await harness.agent();
    const call = await harness.answered(one);
    await one.kill();
    const known = (await harness.view.live())[0];
    if (known === undefined) throw new Error('no live call');
    const live = new LiveCalls(harness.view.bus, LIMITS, quietLog, new SetAside(quietLog));
    await Promise.all(Array.from({ length: 10_000 }, (_, n) => live.add({ ...known, uuid: `call-${n}` })));
    await eventually(() => live.buffered === 0);
    await live.drain(AbortSignal.abort());
    const next = await harness.agent();
    await eventually(() => next.said(CLOSED));
    await eventually(async () => (await harness.view.liveCount()) === 1);
    call.hangup();
    await harness.noLiveCalls();
    const hangups = await harness.view.hangups();
    expect(new Set(hangups.map(({ uuid }) => uuid)).size).toBe(10_001);
    expect(hangups).toHaveLength(10_001);
    expect(hangups.at(-1)).not.toHaveProperty('recovered');
  }, 120_000);
});

describe.concurrent('notify type 0', () => {
  it('stores no live call', async () => {
    await using harness = await LiveCallHarness.start();
    const one = await harness.agent();
    const call = harness.node.call({
      caller: { number: '1', name: '' },
      destination: '2',
      variables: { cti_bridge: 'http://crm/ 3000 3000 0' },
      dialplan: [`socket 127.0.0.1:${one.port}`],
      callee: () => ({ answerAt: 0 }),
      byeAt: 0,
    });
    await call.ended;
    await harness.answered(one);
    expect(await harness.view.live()).toHaveLength(1);
    expect(await harness.view.published(call.uuid)).toEqual([]);
  });
});

// Not with the others: an agent that gets no CPU time for the limit takes FreeSWITCH for silent.
describe('with a short EVENT_SOCKET_SILENCE_MS', () => {
  it('a call gets a synthesized hangup when FreeSWITCH falls silent without closing', async () => {
    await using harness = await LiveCallHarness.start();
    const one = await harness.agent({ EVENT_SOCKET_SILENCE_MS: '500' });
    const call = await harness.answered(one);
    harness.gate.fallSilent();
    call.hangup();
    await call.ended;
    await eventually(() => one.said(DOWN));
    harness.gate.speak();
    expect(await harness.hangupOf(call)).toMatchObject(RECOVERED);
    await harness.noLiveCalls();
  });

  it('a user without permission logs it, and closes no call', async () => {
    await using harness = await LiveCallHarness.start();
    const one = await harness.agent({ ...as('none'), EVENT_SOCKET_SILENCE_MS: '500' });
    const call = await harness.answered(one);
    await eventually(() => one.count(NOT_COMPARED) >= 3);
    expect(JSON.stringify(one.lines.findLast(({ event }) => event === NOT_COMPARED))).toContain(
      'permission denied',
    );
    expect(one.count(DOWN)).toBe(0);
    expect(await harness.view.live()).toHaveLength(1);
    call.hangup();
    expect(await harness.hangupOf(call)).not.toHaveProperty('recovered');
  });
});
