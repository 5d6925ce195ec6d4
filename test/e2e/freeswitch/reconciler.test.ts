import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgentProcess, BusView, eventually } from '#test/support/agent/agent-process.ts';
import { CuttableProxy } from '#test/support/agent/cuttable-proxy.ts';
import { decided, type Routers, scriptRouters } from '#test/support/agent/routers.ts';
import { freeswitchFound, type RealCaseNode, realCaseNode } from '#test/support/freeswitch/case-node.ts';
import { type NatsServer, startNats } from '#test/support/servers/nats.ts';

const COMPARED = 'live_call.reconciled';
const DECISION = { dial: { type: 'gateway', number: '123456', gateway: 'gw' } };

/** The agent logs in as a user with the least rights. */
describe.skipIf(!freeswitchFound())('a real FreeSWITCH', () => {
  let nats: NatsServer;
  let view: BusView;
  let routers: Routers;
  let freeswitch: RealCaseNode;
  let gate: CuttableProxy;
  let agent: AgentProcess;

  const start = (env: Record<string, string> = {}) =>
    AgentProcess.start({
      NATS_URL: nats.url,
      FREESWITCH_PORT: String(gate.port),
      FREESWITCH_USER: `${freeswitch.user.name}@${freeswitch.domain}`,
      FREESWITCH_PASSWORD: freeswitch.user.password,
      RECONCILE_INTERVAL_MS: '200',
      RECONCILE_CONFIRM_MS: '100',
      RECONCILE_RESTART_WAIT_MS: '0',
      EVENT_SOCKET_SILENCE_MS: '1000',
      ...env,
    });

  beforeAll(async () => {
    nats = await startNats();
    view = await BusView.open(nats);
    routers = await scriptRouters(nats.url);
    routers.script = () => decided(DECISION);
    freeswitch = await realCaseNode({ trackCalls: true });
    gate = await CuttableProxy.to(freeswitch.eventSocket.port);
    agent = await start();
  });
  afterAll(async () => {
    await agent.stop();
    await gate.close();
    await freeswitch.stop();
    await routers.stop();
    await view.close();
    await nats.stop();
  });

  /** Places a call that ends by itself, and resolves with its uuid when it has been answered. */
  async function answered(byeAt: number) {
    const before = new Set((await view.published()).map(({ uuid }) => uuid));
    const ended = freeswitch.call({
      caller: { number: '13800138000', name: `张三 O'Brien 100%` },
      destination: '0555',
      ctiBridge: 'http://crm/binding?a=1 3000 3000 1',
      socket: `127.0.0.1:${agent.port}`,
      fallback: 'sofia/gateway/gw/fallback',
      callees: { '123456': { ringAt: 0, answerAt: 10 } },
      byeAt,
    });
    const uuid = await eventually(async () => {
      const told = (await view.published()).find((one) => one.action === 'answer' && !before.has(one.uuid));
      return told?.uuid;
    });
    await eventually(async () => (await view.live()).some((one) => one.uuid === uuid));
    return { uuid, ended };
  }
  const hangup = (uuid: string) => eventually(async () => (await view.hangups(uuid))[0]);

  it('keeps a live call and publishes its real hangup', async () => {
    const { uuid, ended } = await answered(1_000);
    const compared = agent.count(COMPARED);
    await eventually(() => agent.count(COMPARED) > compared);
    expect(await view.live()).toHaveLength(1);
    await ended;
    expect(await hangup(uuid)).toMatchObject({ cause: 'NORMAL_CLEARING', hangup_by: 'caller' });
    await eventually(async () => (await view.liveCount()) === 0);
    expect(agent.said('live_call.closed')).toBeUndefined();
  });

  it('is queried about a call that ended while the event socket was disconnected', async () => {
    const { uuid, ended } = await answered(500);
    gate.shut();
    await ended;
    gate.open();
    expect(await hangup(uuid)).toMatchObject({ recovered: true, cause: 'UNKNOWN', node: expect.any(String) });
    await eventually(async () => (await view.liveCount()) === 0);
    expect(await view.hangups(uuid)).toHaveLength(1);
  });

  it('is queried about a call that ended while no agent ran', async () => {
    const { uuid, ended } = await answered(500);
    await agent.kill();
    await ended;
    agent = await start();
    expect(await hangup(uuid)).toMatchObject({ recovered: true });
    await eventually(async () => (await view.liveCount()) === 0);
  });

  /** A call that is up, for `sofia recover`. */
  async function talking() {
    const call = freeswitch.place({
      caller: { number: '13800138000', name: 'Alice' },
      destination: '0555',
      ctiBridge: 'http://crm/binding?a=1 3000 3000 1',
      socket: `127.0.0.1:${agent.port}`,
      fallback: 'sofia/gateway/gw/fallback',
      callees: { '123456': { ringAt: 0, answerAt: 10 } },
    });
    const party = await call.callee('123456');
    await call.talking;
    await eventually(async () => (await view.live()).some(({ uuid }) => uuid === call.uuid));
    await freeswitch.untilRecoverable(call);
    return { call, party };
  }

  async function restartAgent(env: Record<string, string>): Promise<void> {
    await agent.stop();
    agent = await start(env);
  }

  it('waits after a crash of FreeSWITCH, and reports a recovered call when it ends', async () => {
    await restartAgent({ RECONCILE_RESTART_WAIT_MS: '60000' });
    const { call, party } = await talking();
    await freeswitch.kill();
    await freeswitch.start();
    await eventually(() => agent.said('live_call.restart_wait'));
    expect(await freeswitch.api('sofia recover')).toContain('Recovered 2 call');
    await eventually(
      () => call.events.filter((event) => event['Event-Name'] === 'CHANNEL_BRIDGE').length === 2,
    );
    expect(await view.hangups(call.uuid)).toEqual([]);
    party.bye();
    const ended = await hangup(call.uuid);
    if (ended.action !== 'hangup' || ended.recovered) throw new Error('synthesized');
    expect(ended).toMatchObject({ cause: 'NORMAL_CLEARING', hangup_by: 'callee' });
    expect(ended.billable_ms).toBeGreaterThan(0);
    expect(ended.billable_ms).toBeLessThanOrEqual(ended.duration_ms);
    expect(ended.tried).toMatchObject([{ number: '123456', cause: 'NONE', answered: true }]);
    expect(agent.said('live_call.closed_early')).toBeUndefined();
  });

  it('logs a call that turns out to be up after its synthesized hangup, and reports the end of its legs', async () => {
    routers.script = () => decided({ ...DECISION, notify: ['hangup', 'leg_end'] });
    await restartAgent({});
    const { call, party } = await talking();
    await freeswitch.kill();
    await freeswitch.start();
    expect(await hangup(call.uuid)).toMatchObject({ recovered: true });
    await freeswitch.api('sofia recover');
    expect(await eventually(() => agent.said('live_call.closed_early'))).toMatchObject({ call: call.uuid });
    party.bye();
    await call.ended;
    const legEnd = await eventually(async () =>
      (await view.published()).find((one) => one.action === 'leg_end' && one.uuid === call.uuid),
    );
    if (legEnd.action !== 'leg_end') throw new Error('no leg_end');
    expect(legEnd).toMatchObject({ called_number: '123456', cause: 'NORMAL_CLEARING' });
    expect(legEnd.talk_ms).toBeGreaterThan(1_000);
    expect(await view.hangups(call.uuid)).toHaveLength(1);
  });
});
