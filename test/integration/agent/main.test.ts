import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { jetstreamManager } from '@nats-io/jetstream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Bus } from '#libs/bus/connection.ts';
import { ensureProgressStream } from '#libs/bus/progress.ts';
import { BUS, type DecisionReply } from '#libs/contract/messages.ts';
import { CALL_VARIABLE } from '#libs/dialplan/applications.ts';
import { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import type { LogEvent } from '#libs/telemetry/log-events.ts';
import { FILTERS, OPTIONAL_EVENTS } from '#services/agent/call/leg-event.ts';
import { FreeSwitchCall } from '#test/support/agent/call.ts';
import { decided, type Routers, scriptRouters } from '#test/support/agent/routers.ts';
import { Peer, PeerServer } from '#test/support/esl/peer.ts';
import { framesOf, loginOf, recorded } from '#test/support/esl/recordings.ts';
import { recordLog } from '#test/support/log.ts';
import { type NatsServer, startNats } from '#test/support/servers/nats.ts';
import { until } from '#test/support/until.ts';

const TAG = `^^;${CALL_VARIABLE}=`;

const MAIN = join(import.meta.dirname, '../../../services/agent/main.ts');

interface Line {
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

/** The agent in its own process. */
class AgentProcess {
  readonly lines: Line[] = [];
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;

  constructor(env: NodeJS.ProcessEnv) {
    const defaults = { PATH: process.env['PATH'], SOCKET_PORT: '0', HEALTH_PORT: '0' };
    this.child = spawn(process.execPath, [MAIN], {
      env: { ...defaults, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (this.child.stdout)
      createInterface(this.child.stdout).on('line', (line) => this.lines.push(JSON.parse(line)));
    this.ended = once(this.child, 'close').then(([code]) => code);
  }

  says(event: LogEvent): Line[] {
    return this.lines.filter((line) => line['event'] === event);
  }

  async started(): Promise<{ port: number; health: string }> {
    await until(() => this.says('service.started').length > 0);
    const port = Number(this.says('socket.listening')[0]?.['port']);
    return { port, health: `http://127.0.0.1:${this.says('service.started')[0]?.['health_port']}/readyz` };
  }

  async stop(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }
}

let nats: NatsServer;
let bus: Lifecycle;
let onBus: Bus;
let routers: Routers;
let freeSwitch: PeerServer;
let agents: AgentProcess[];

beforeAll(async () => {
  nats = await startNats();
  const { log } = recordLog();
  bus = new Lifecycle(log, 5_000);
  const limits = { replicas: 1, maxBytes: 1 << 24, maxAgeMs: 3_600_000, duplicateWindowMs: 120_000 };
  onBus = await Bus.connect(nats.url, 'test', bus, log);
  await ensureProgressStream(onBus, limits);
});
afterAll(async () => {
  await bus.stop();
  await nats.stop();
});
beforeEach(async () => {
  agents = [];
  routers = await scriptRouters(nats.url);
  freeSwitch = await PeerServer.listen();
});
afterEach(async () => {
  for (const agent of agents) await agent.stop();
  await routers.stop();
  await freeSwitch.close();
});

function start(env: NodeJS.ProcessEnv = {}): AgentProcess {
  const agent = new AgentProcess({ NATS_URL: nats.url, FREESWITCH_PORT: String(freeSwitch.port), ...env });
  agents.push(agent);
  return agent;
}

async function logIn(name = 'agent-dies') {
  const { authRequest, answers, events } = loginOf(name, OPTIONAL_EVENTS.length + FILTERS.length);
  const peer = await freeSwitch.peer();
  peer.write(authRequest);
  await peer.answer(...answers);
  return { peer, events };
}

const recordedCall = (port: number) => {
  const [connected = Buffer.alloc(0)] = framesOf(recorded('agent-dies', 'outbound.from-freeswitch'));
  return FreeSwitchCall.place(port, { connected });
};

describe('the agent', () => {
  it('is ready when FreeSWITCH and NATS are connected', async () => {
    const agent = start();
    const { health } = await agent.started();
    const ready = async () => {
      const response = await fetch(health);
      return [response.status, await response.json()];
    };
    const waiting = { nats: 'ok', freeswitch: 'not logged in to the event socket' };
    expect(await ready()).toMatchObject([503, { ready: false, checks: waiting }]);
    const { peer } = await logIn();
    await until(() => agent.says('freeswitch.connected').length > 0);
    expect(await ready()).toMatchObject([200, { ready: true, checks: { nats: 'ok', freeswitch: 'ok' } }]);
    // /readyz reports it, but the agent stays ready: calls can be decided without FreeSWITCH's events.
    peer.reset();
    await until(() => agent.says('freeswitch.disconnected').length > 0);
    expect(await ready()).toMatchObject([200, { ready: true, checks: waiting }]);
  });

  it('stores the live call in NATS before it tags the channel', async () => {
    const agent = start({ NODE_NAME: 'fs1' });
    const { port } = await agent.started();
    const manager = await jetstreamManager(onBus.nats);
    const call = await FreeSwitchCall.place(port, { variables: { cti_bridge: 'http://crm/ 3000 3000 1' } });
    await until(() => call.peer.commands.some((packet) => packet.includes(TAG)));
    const subject = { last_by_subj: `${BUS.live}.fs1.${call.uuid}` };
    const stored = await manager.streams.getMessage(BUS.liveStream, subject);
    expect(stored?.json()).toMatchObject({ uuid: call.uuid, url: 'http://crm/', node: 'fs1' });
    call.peer.end();
  });

  it('survives probes of its port and calls that end early', async () => {
    const agent = start();
    const { port } = await agent.started();
    for (let n = 0; n < 5; n++) (await Peer.dial(port)).reset();
    routers.script = () => decided({ dial: { type: 'hangup' } });
    await (await recordedCall(port)).released();
    await until(() => agent.says('call.decided').length === 1);
    expect(agent.lines.filter(({ level }) => level === 'fatal')).toEqual([]);
  });

  it('dies during a decision: the connection closes and the next agent publishes the events of the call', async () => {
    const first = start();
    const { port } = await first.started();
    await logIn();
    const call = await recordedCall(port);
    await until(() => routers.requests.length === 1 && call.peer.commands.length === 7);
    first.child.kill('SIGKILL');
    await call.peer.closed;
    expect(call.peer.commands).toEqual([
      ...['noop', 'getvar cti_bridge', 'connect'],
      ...['getvar caller_id_name', 'getvar sip_from_display', 'getvar core_uuid'],
      expect.stringContaining(TAG),
    ]);

    const second = start({ DEFAULT_ENDPOINT_URL: 'http://crm/' });
    const { peer, events } = await logIn();
    peer.write(...events);
    await until(() => second.says('notification.published').length === 3);
    const published = second
      .says('notification.published')
      .map(({ action, call: uuid }) => `${action} ${uuid}`);
    expect(published).toEqual(['ring', 'answer', 'hangup'].map((action) => `${action} ${call.uuid}`));
  });

  it('stops in order: accepts no calls, decides those in flight, publishes buffered events', async () => {
    const agent = start();
    const { port, health } = await agent.started();
    const { peer, events } = await logIn('answered');
    const { promise: reply, resolve: decide } = Promise.withResolvers<DecisionReply>();
    routers.script = () => reply;
    const call = await recordedCall(port);
    await until(() => routers.requests.length === 1);
    peer.write(events.at(-1) ?? '');
    agent.child.kill('SIGTERM');
    while (!(await (await fetch(health)).text()).includes('stopping'));
    await expect(Peer.dial(port)).rejects.toThrow('ECONNREFUSED');
    decide(decided({ dial: { type: 'hangup', cause: 17 } }));
    await call.released();
    expect(call.steering.at(-2)).toContain('application: hangup USER_BUSY');
    expect(await agent.ended).toBe(0);
    expect(agent.says('notification.published').map(({ action }) => action)).toEqual(['hangup']);
    expect(agent.says('freeswitch.disconnected')).toEqual([]);
    expect(agent.lines.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
  });

  it('logs which port is in use and exits with 1', async () => {
    const { port } = freeSwitch;
    const agent = start({ SOCKET_PORT: String(port) });
    expect(await agent.ended).toBe(1);
    const [fatal] = agent.lines.filter(({ level }) => level === 'fatal');
    expect(fatal).toMatchObject({
      err: { message: `listen EADDRINUSE: address already in use 127.0.0.1:${port}` },
    });
  });
});
