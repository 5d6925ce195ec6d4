import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Notification } from '#libs/contract/endpoint.ts';
import { AgentProcess, BusView, eventually } from '#test/support/agent/agent-process.ts';
import { decided, type Routers, scriptRouters } from '#test/support/agent/routers.ts';
import { freeswitchFound, type RealCaseNode, realCaseNode } from '#test/support/freeswitch/case-node.ts';
import { readWav } from '#test/support/freeswitch/wav.ts';
import { type NatsServer, startNats } from '#test/support/servers/nats.ts';

const START_MS = 120_000;
const DECISION = {
  record: {},
  notify: ['answer', 'recording', 'leg_end', 'hangup'],
  dial: { type: 'gateway', gateway: 'gw', number: '777' },
};

describe.skipIf(!freeswitchFound())('the recording of a call', () => {
  let node: RealCaseNode;
  let nats: NatsServer;
  let routers: Routers;
  let view: BusView;
  let folder: string;
  let agent: AgentProcess;

  const startAgent = (env: Record<string, string> = {}) =>
    AgentProcess.start({
      NATS_URL: nats.url,
      FREESWITCH_HOST: node.eventSocket.host,
      FREESWITCH_PORT: String(node.eventSocket.port),
      FREESWITCH_PASSWORD: node.eventSocket.password,
      RECONCILE_INTERVAL_MS: '200',
      RECONCILE_CONFIRM_MS: '100',
      RECONCILE_RESTART_WAIT_MS: '0',
      RECORDINGS: `${folder}/{date}/{id}.wav`,
      ...env,
    });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dialhook-recordings-'));
    node = await realCaseNode({ trackCalls: true });
    nats = await startNats();
    routers = await scriptRouters(nats.url);
    routers.script = () => decided(DECISION);
    view = await BusView.open(nats);
    agent = await startAgent();
  }, START_MS);
  afterAll(async () => {
    await agent?.stop();
    await view?.close();
    await routers?.stop();
    await nats?.stop();
    await node?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** A call whose parties talk, for some time already. */
  async function talking(ms: number) {
    const call = node.place({
      caller: { number: '13900001111', name: 'Alice' },
      destination: '95588',
      ctiBridge: 'http://crm/calls 3000 3000 1',
      socket: `127.0.0.1:${agent.port}`,
      fallback: 'error/USER_BUSY',
      callees: { '777': { ringAt: 20, answerAt: 60 }, '778': { ringAt: 20 } },
    });
    // FreeSWITCH is killed under some of these calls.
    call.ended.catch(() => {});
    const party = await call.callee('777');
    await call.talking;
    await eventually(async () => (await view.live()).some(({ uuid }) => uuid === call.uuid));
    await eventually(async () => (await node.api('show calls')).includes(call.uuid));
    await Promise.all([call.caller.speak?.(ms), party.speak?.(ms)]);
    return { call, party };
  }

  const actions = async (uuid: string) => (await view.published(uuid)).map(({ action }) => action);
  const one = (uuid: string, action: Notification['action']) =>
    eventually(async () => (await view.published(uuid)).find((found) => found.action === action));

  /** The files of the recordings of a call. */
  async function files(uuid: string): Promise<string[]> {
    const all = await readdir(folder, { recursive: true });
    return all
      .filter((path) => path.includes(uuid) && path.endsWith('.wav'))
      .map((path) => join(folder, path));
  }

  it('is reported by an agent that started during the call', { timeout: START_MS }, async () => {
    const { call } = await talking(500);
    await agent.kill();
    agent = await startAgent();
    call.caller.bye();
    const recording = await one(call.uuid, 'recording');
    expect(recording).toMatchObject({ complete: true, called_number: '777' });
    await one(call.uuid, 'hangup');
    expect(await actions(call.uuid)).toEqual(['answer', 'recording', 'leg_end', 'hangup']);
  });

  it('is complete when FreeSWITCH is shut down in order', { timeout: START_MS }, async () => {
    const { call } = await talking(500);
    await node.shutDown();
    const [file = ''] = await files(call.uuid);
    const wav = await readWav(file);
    expect(wav.headerMs).toBe(wav.ms);
    expect(wav.loudMs(0)).toBeGreaterThan(300);
    await node.start();
    await one(call.uuid, 'hangup');
    expect(await one(call.uuid, 'recording')).toMatchObject({ complete: true, size: wav.bytes });
  });

  it('is on the disk, but for the last second, when FreeSWITCH crashes', { timeout: START_MS }, async () => {
    const { call } = await talking(3000);
    await node.kill();
    const [file = ''] = await files(call.uuid);
    const wav = await readWav(file);
    expect(wav.headerMs).toBe(0);
    expect(wav.loudMs(0)).toBeGreaterThan(2000);
    expect(wav.loudMs(1)).toBeGreaterThan(2000);
    await node.start();
    expect(await one(call.uuid, 'hangup')).toMatchObject({ recovered: true });
    expect(await actions(call.uuid)).not.toContain('recording');
  });

  it.each([
    ['a call to one target', DECISION],
    ['a recording from the early media', { ...DECISION, record: { start: 'early_media' } }],
    [
      'a call to two targets at once',
      { ...DECISION, strategy: 'simultaneous', dial: [DECISION.dial, { ...DECISION.dial, number: '778' }] },
    ],
  ])('is kept, and not complete, after sofia recover: %s', { timeout: START_MS }, async (_, decision) => {
    routers.script = () => decided(decision);
    await agent.stop();
    agent = await startAgent({ RECONCILE_RESTART_WAIT_MS: '60000' });
    const { call, party } = await talking(2000);
    await node.untilRecoverable(call);
    await node.kill();
    await node.start();
    await eventually(() => agent.said('live_call.restart_wait'));
    const before = await Promise.all((await files(call.uuid)).map(readWav));
    expect(await node.api('sofia recover')).toContain('Recovered');
    await eventually(
      () => call.events.filter((event) => event['Event-Name'] === 'CHANNEL_BRIDGE').length === 2,
    );
    await Promise.all([call.caller.speak?.(1000), party.speak?.(1000)]);
    party.bye();
    expect(await one(call.uuid, 'recording')).toMatchObject({ complete: false });
    const after = await Promise.all((await files(call.uuid)).map(readWav));
    expect(before.map(({ ms }) => ms > 1500)).toEqual([true]);
    expect(after.map(({ bytes }) => bytes)).toEqual(before.map(({ bytes }) => bytes));
    await one(call.uuid, 'hangup');
  });
});
