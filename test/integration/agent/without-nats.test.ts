import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestAgent, type TestAgent } from '#test/support/agent/agent.ts';
import { FreeSwitchCall } from '#test/support/agent/call.ts';
import { type NatsServer, startNats } from '#test/support/servers/nats.ts';
import { until } from '#test/support/until.ts';

const VARIABLES = { variables: { cti_bridge: 'http://crm/' } };

let nats: NatsServer;
let agents: TestAgent[];
beforeEach(async () => {
  nats = await startNats();
  agents = [];
});
afterEach(async () => {
  for (const agent of agents) await agent.stop();
  await nats.stop();
});

async function start(env: NodeJS.ProcessEnv = {}): Promise<TestAgent> {
  const agent = await startTestAgent(nats.url, env);
  agents.push(agent);
  return agent;
}

/** Connects like FreeSWITCH's `socket` application: `refused` is what sends it to its next host. */
async function tries(port: number): Promise<'accepted' | 'refused'> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return 'accepted';
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe('ECONNREFUSED');
    return 'refused';
  } finally {
    socket.destroy();
  }
}

const said = ({ lines }: TestAgent, name: string) => lines.filter(({ event }) => event === name).length;

async function loseNats(agent: TestAgent): Promise<void> {
  await nats.kill();
  await until('it has lost NATS', () => !agent.bus.connected);
}

async function natsBack(): Promise<void> {
  nats = await startNats({ port: nats.port, storeDir: nats.storeDir });
}

describe('an agent without NATS', () => {
  it('refuses connections at once and accepts them again on the same port when NATS is back', async () => {
    const agent = await start();
    const { port } = agent;
    expect(await tries(port)).toBe('accepted');
    for (let outage = 1; outage <= 2; outage++) {
      await loseNats(agent);
      expect(await tries(port)).toBe('refused');
      expect(said(agent, 'socket.refusing')).toBe(outage);
      await natsBack();
      await until('it is connected', () => agent.bus.connected);
      await until('it accepts', async () => (await tries(port)) === 'accepted');
    }
    const call = await FreeSwitchCall.place(port, VARIABLES);
    await call.released();
    expect(call.variables.get('dialhook_result')).toBe('no_router');
  });

  it('releases the calls that it has already accepted', async () => {
    const agent = await start();
    const subscription = agent.bus.nats.subscribe('dialhook.decide');
    const call = await FreeSwitchCall.place(agent.port, { variables: { cti_bridge: 'http://crm/ 300 300' } });
    await until('the request is sent', () => subscription.getReceived() === 1);
    await loseNats(agent);
    await call.released();
    expect(call.variables.get('dialhook_result')).toBe('router_timeout');
  });

  it.each<Record<string, string>>([
    { DEFAULT_DECISION: '{"dial":{"type":"hangup","cause":17}}' },
    { EMBEDDED_ROUTER: 'on' },
    { ACCEPT_WITHOUT_NATS: 'on' },
  ])('accepts calls with %j', async (env) => {
    const agent = await start(env);
    await loseNats(agent);
    expect(await tries(agent.port)).toBe('accepted');
    expect(said(agent, 'socket.refusing')).toBe(0);
  });

  it('refuses calls with DEFAULT_DECISION and ACCEPT_WITHOUT_NATS=off', async () => {
    const env = { DEFAULT_DECISION: '{"dial":{"type":"hangup","cause":17}}', ACCEPT_WITHOUT_NATS: 'off' };
    const agent = await start(env);
    await loseNats(agent);
    expect(await tries(agent.port)).toBe('refused');
  });

  it('does not listen again when it stops meanwhile', async () => {
    const agent = await start();
    await loseNats(agent);
    const stopping = agent.stop();
    await natsBack();
    await stopping;
    expect(await tries(agent.port)).toBe('refused');
  });
});
