import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AgentProcess, BusView, eventually } from '#test/support/agent/agent-process.ts';
import { decided, type Routers, scriptRouters } from '#test/support/agent/routers.ts';
import { freeswitchFound, type RealCaseNode, realCaseNode } from '#test/support/freeswitch/case-node.ts';
import { text } from '#test/support/freeswitch/event-socket.ts';
import { type NatsServer, startNats } from '#test/support/servers/nats.ts';

const START_MS = 120_000;
const DIAL = { type: 'gateway', gateway: 'gw', number: '777' };
const DATA = { order: 'A-17', names: ['张三', null] };

describe.skipIf(!freeswitchFound())('a call whose agents are all killed after the answer', () => {
  let node: RealCaseNode;
  let nats: NatsServer;
  let routers: Routers;
  let view: BusView;
  const agents: AgentProcess[] = [];

  beforeAll(async () => {
    node = await realCaseNode();
    nats = await startNats();
    routers = await scriptRouters(nats.url);
    view = await BusView.open(nats);
  }, START_MS);
  afterEach(() => Promise.all(agents.splice(0).map((agent) => agent.stop())));
  afterAll(async () => {
    await view?.close();
    await routers?.stop();
    await nats?.stop();
    await node?.stop();
  });

  async function agent(): Promise<AgentProcess> {
    const { host, port, password } = node.eventSocket;
    const started = await AgentProcess.start({
      NATS_URL: nats.url,
      FREESWITCH_HOST: host,
      FREESWITCH_PORT: String(port),
      FREESWITCH_PASSWORD: password,
      RECONCILE_RESTART_WAIT_MS: '0',
    });
    agents.push(started);
    return started;
  }

  async function answered(decision: object) {
    routers.script = () => decided(decision);
    const first = await agent();
    const call = node.place({
      caller: { number: '13900001111', name: 'Alice' },
      destination: '95588',
      ctiBridge: 'http://crm/calls 3000 3000 1',
      socket: `127.0.0.1:${first.port}`,
      fallback: 'error/USER_BUSY',
      callees: { '777': { ringAt: 20, answerAt: 60 } },
    });
    await call.talking;
    await eventually(async () => (await view.published(call.uuid)).some(({ action }) => action === 'answer'));
    await first.kill();
    return call;
  }

  it('ends at max_duration', { timeout: START_MS }, async () => {
    const call = await answered({ max_duration: 3, dial: DIAL });
    const { hangup } = await call.ended;
    expect(text(hangup, 'Hangup-Cause')).toBe('ALLOTTED_TIMEOUT');
    expect(Number(text(hangup, 'variable_billmsec'))).toBeGreaterThan(1900);
  });

  it('keeps its data and notify_url for the next agent', { timeout: START_MS }, async () => {
    const notify_url = 'http://crm/notifications';
    const call = await answered({ data: DATA, notify_url, dial: DIAL });
    await agent();
    call.caller.bye();
    const [hangup] = await eventually(async () => {
      const all = await view.hangups(call.uuid);
      return all.length > 0 && all;
    });
    expect(hangup).toMatchObject({ data: DATA, cause: 'NORMAL_CLEARING', hangup_by: 'caller' });
    expect(hangup).not.toHaveProperty('recovered');
    expect(await view.urls(call.uuid)).toEqual([notify_url]);
  });
});
