import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Bus } from '#libs/bus/connection.ts';
import { ensureProgressStream } from '#libs/bus/progress.ts';
import { hangupCause } from '#libs/contract/causes.ts';
import { notificationId } from '#libs/contract/endpoint.ts';
import { BUS, ProgressEvent } from '#libs/contract/messages.ts';
import { CALL_VARIABLE } from '#libs/dialplan/applications.ts';
import type { Application } from '#libs/dialplan/settings.ts';
import { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { parseDialString } from '#libs/simulator/originate/dial-string.ts';
import { FILTERS, OPTIONAL_EVENTS } from '#services/agent/call/leg-event.ts';
import { startTestAgent, type TestAgent } from '#test/support/agent/agent.ts';
import { FreeSwitchCall } from '#test/support/agent/call.ts';
import { notificationsOf } from '#test/support/agent/replay.ts';
import { decided, type Routers, type Script, scriptRouters } from '#test/support/agent/routers.ts';
import { applicationsOf, commandsOf, exportsOf } from '#test/support/dialplan/freeswitch.ts';
import { PeerServer, withBody } from '#test/support/esl/peer.ts';
import {
  framesOf,
  loginOf,
  RECORDINGS,
  recorded,
  recordedCommands,
  recordedEvents,
} from '#test/support/esl/recordings.ts';
import { recordLog } from '#test/support/log.ts';
import { type NatsServer, startNats } from '#test/support/servers/nats.ts';
import { until } from '#test/support/until.ts';

const TAG = `^^;${CALL_VARIABLE}=`;

const URL = 'http://127.0.0.1:9000/binding?number=0555&callerid=13800138000';

const gateway = { type: 'gateway', number: '123456', gateway: 'gw' };
const toGateway = () => decided({ dial: gateway });
const both = 'sofia/gateway/gw/111,sofia/gateway/gw2/222';

/** The router's reply that makes the agent repeat the recorded call. */
const REPLIES: Readonly<Record<string, Script>> = {
  'agent-dies': () => undefined,
  answered: () =>
    decided({
      variables: { origination_caller_id_number: '123', absolute_codec_string: 'PCMA,PCMU' },
      dial: gateway,
    }),
  busy: toGateway,
  'callee-hangs-up': toGateway,
  'caller-gives-up-ringing': toGateway,
  'caller-gives-up-waiting': () => undefined,
  'gateway-unknown': () => decided({ dial: { ...gateway, gateway: 'nosuch' } }),
  'hangup-cause-17': () => decided({ dial: { type: 'hangup', cause: 17 } }),
  'no-answer': toGateway,
  'no-decision-exit': () => ({ v: 1, result: 'http_status', error: 'the endpoint answered 500' }),
  'respond-503': () => decided({ dial: { type: 'hangup', sipcode: 503 } }),
  'sequential-failover': () =>
    decided({ dial: { type: 'dialstring', dialstring: `{ignore_early_media=true}${both}` } }),
  simultaneous: () => decided({ dial: { type: 'dialstring', dialstring: both }, strategy: 'simultaneous' }),
};

/** Variables that every called leg gets, which the recordings do not have. */
const ALWAYS = [
  'ignore_display_updates',
  'origination_callee_id_name',
  'origination_callee_id_number',
  'origination_caller_id_name',
  'origination_privacy',
  'outbound_redirect_fatal',
  'sip_copy_custom_headers',
];

/** The effect of a list of applications, independent of how it is written. */
function meaningOf(applications: readonly Application[]) {
  const exported = exportsOf(applications);
  exported.delete('cti_bridge');
  const dialled = applications
    .filter(({ name }) => name === 'bridge')
    .flatMap(({ data }) => {
      const { variables, groups } = parseDialString(data) ?? { variables: new Map(), groups: [] };
      return groups.map((legs) => ({
        variables: Object.fromEntries(
          [...exported, ...variables].filter(
            ([name]) => !ALWAYS.includes(name) && (name !== 'ignore_early_media' || legs.length === 1),
          ),
        ),
        legs: legs.map((leg) => `${leg.endpoint}/${leg.data}`),
      }));
    });
  const respond = applications.find(({ name }) => name === 'respond')?.data;
  const hangup = applications.find(({ name }) => name === 'hangup')?.data;
  return {
    dialled,
    end: respond ?? (hangup && !hangup.startsWith('$') ? hangupCause(hangup) : ''),
  };
}

/** Replays FreeSWITCH's frames of a recorded call as the agent's commands arrive. */
function play(name: string, port: number): Promise<FreeSwitchCall> {
  const frames = framesOf(recorded(name, 'outbound.from-freeswitch'));
  const goodbye = frames.at(-1) ?? '';
  const [connected = Buffer.alloc(0)] = frames;
  return FreeSwitchCall.place(port, { connected, goodbye });
}

let nats: NatsServer;
let bus: Bus;
let lifecycle: Lifecycle;

beforeAll(async () => {
  nats = await startNats();
  const { log } = recordLog();
  lifecycle = new Lifecycle(log, 5_000);
  bus = await Bus.connect(nats.url, 'test', lifecycle, log);
  const limits = { replicas: 1, maxBytes: 1 << 24, maxAgeMs: 3_600_000, duplicateWindowMs: 120_000 };
  await ensureProgressStream(bus, limits);
});
afterAll(async () => {
  await lifecycle.stop();
  await nats.stop();
});

it('has every recording', () => expect(RECORDINGS).toEqual(Object.keys(REPLIES).toSorted()));

describe('the commands of a call', () => {
  const listOf = (name: string) =>
    recordedCommands(name, 'outbound.from-agent').find((packet) => packet.includes('xferext'));
  let routers: Routers;
  let agent: TestAgent;

  beforeEach(async () => {
    routers = await scriptRouters(nats.url);
    agent = await startTestAgent(nats.url, { NODE_NAME: 'other-than-the-recordings' });
  });
  afterEach(async () => {
    await agent.stop();
    await routers.stop();
    expect(agent.errors()).toEqual([]);
  });

  const begin = (name: string) => {
    routers.script = REPLIES[name] ?? (() => undefined);
    return play(name, agent.port);
  };

  // The caller's name is not ASCII: it is read again.
  it.each(RECORDINGS)('start with connect, getvar and the tag: %s', async (name) => {
    const call = await begin(name);
    await until(() => routers.requests.length === 1);
    await until(() => call.peer.commands.length >= 7);
    const [tag, ...read] = call.peer.commands.slice(0, 7).toReversed();
    expect(read.toReversed()).toEqual([
      ...['noop', 'getvar cti_bridge', 'connect'],
      ...['getvar caller_id_name', 'getvar sip_from_display', 'getvar core_uuid'],
    ]);
    expect(tag).toMatch(/^execute-app-name: multiset$/m);
    expect(tag).toContain(`\n\n${TAG}`);
    expect(routers.requests[0]).toMatchObject({
      url: URL,
      connect_timeout_ms: 3000,
      response_timeout_ms: 3000,
      request: { uuid: call.uuid, destination_number: '0555', caller_id_name: "张三 O'Brien 100%" },
    });
    call.peer.end();
  });

  it.each(RECORDINGS.filter(listOf))('have the recorded effect: %s', async (name) => {
    const call = await (await begin(name)).released();
    expect(call.steering.filter((command) => command.includes('xferext'))).toHaveLength(1);
    expect(meaningOf(call.applications)).toEqual(
      meaningOf(commandsOf(listOf(name) ?? '').flatMap(applicationsOf)),
    );
    expect(call.steering.at(-1)).toBe('exit');
    await until(() => agent.server.size === 0);
  });

  it('continue the dialplan: no-decision-exit', async () => {
    const call = await (await begin('no-decision-exit')).released();
    expect(call.steering.at(-1)).toBe('exit');
    expect(call.steering.join()).not.toMatch(/xferext|bridge sofia|hangup/);
    expect(Object.fromEntries(call.variables)).toMatchObject({
      dialhook_result: 'http_status',
      dialhook_error: 'the endpoint answered 500',
    });
  });

  it('abandon the request and dial nothing: caller-gives-up-waiting', async () => {
    const call = await begin('caller-gives-up-waiting');
    await until(() => routers.requests.length === 1);
    call.peer.write(framesOf(recorded('caller-gives-up-waiting', 'outbound.from-freeswitch')).at(-1) ?? '');
    call.peer.end();
    await until(() => routers.abandoned.length === 1 && agent.server.size === 0);
    expect(routers.abandoned).toEqual([call.uuid]);
    expect(call.steering).toEqual([]);
  });
});

interface Stored {
  readonly id: string | undefined;
  readonly subject: string;
  readonly progress: ProgressEvent;
}

async function storedSince(connection: NatsConnection, first: number): Promise<Stored[]> {
  const { streams } = await jetstreamManager(connection);
  const { state } = await streams.info(BUS.stream);
  const stored: Stored[] = [];
  for (let seq = first; seq <= state.last_seq; seq++) {
    const message = await streams.getMessage(BUS.stream, { seq });
    if (!message) throw new Error(`message ${seq} is gone`);
    stored.push({
      id: message.header?.get('Nats-Msg-Id'),
      subject: message.subject,
      progress: ProgressEvent.parse(message.json()),
    });
  }
  return stored;
}

const nextSequence = async (): Promise<number> =>
  (await (await jetstreamManager(bus.nats)).streams.info(BUS.stream)).state.last_seq + 1;

/** Every recorded call began long before its agent. cold-start.test.ts has the wait. */
const NO_WAIT = { otherAgentWaitMs: 0 };

describe.each(RECORDINGS)('the notifications of a call: %s', (name) => {
  const env = () => ({
    DEFAULT_ENDPOINT_URL: URL,
    NODE_NAME: 'vm',
    FREESWITCH_PORT: String(freeSwitch.port),
  });
  const expected = notificationsOf(recordedEvents(name), { nodeName: undefined, defaultUrl: URL });
  /** Each test renames the uuids: JetStream would drop a second replay as duplicates. */
  const renamed = (frames: readonly Buffer[], run: string) =>
    frames.map((frame) => {
      if (!frame.includes('text/event-json')) return frame;
      const uuids = /[0-9a-f]{8}(?=-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})/g;
      const body = frame.toString('utf8', frame.indexOf('\n\n') + 2);
      return withBody(
        'text/event-json',
        body.replaceAll(uuids, (eight) => run + eight.slice(run.length)),
      );
    });

  let freeSwitch: PeerServer;
  let agents: TestAgent[];
  let first: number;

  beforeEach(async () => {
    freeSwitch = await PeerServer.listen();
    agents = [];
    first = await nextSequence();
  });
  afterEach(async () => {
    for (const agent of agents) await agent.stop();
    await freeSwitch.close();
  });

  async function watch(count: number) {
    const { authRequest, answers, events } = loginOf(name, OPTIONAL_EVENTS.length + FILTERS.length);
    const peers = [];
    for (let n = 0; n < count; n++) {
      const agent = await startTestAgent(nats.url, env(), NO_WAIT);
      agents.push(agent);
      const peer = await freeSwitch.peer();
      peer.write(authRequest);
      await peer.answer(...answers);
      await until(() => agent.freeSwitch.up);
      peers.push(peer);
    }
    return { peers, events };
  }

  async function processed(peers: Awaited<ReturnType<typeof watch>>['peers']): Promise<void> {
    const all = agents.map((agent) => agent.freeSwitch.api('status'));
    await Promise.all(peers.map((peer) => peer.answer(withBody('api/response', 'done'))));
    await Promise.all(all);
    await until(() => agents.every(({ publisher }) => publisher.buffer.size === 0));
  }

  const idsOf = (run: string) =>
    expected.map((one) =>
      notificationId({
        uuid: run + one.uuid.slice(run.length),
        leg: run + one.leg.slice(run.length),
        action: one.action,
      }),
    );
  const published = () =>
    agents.flatMap(({ lines }) => lines.filter(({ event }) => event === 'notification.published')).length;

  it('are stored in order, each with its id', async () => {
    const { peers, events } = await watch(1);
    for (const peer of peers) peer.write(...renamed(events, 'aa'));
    await processed(peers);
    const stored = await storedSince(bus.nats, first);
    expect(stored.map(({ id }) => id)).toEqual(idsOf('aa'));
    expect(stored.map(({ progress }) => progress.notification)).toEqual(
      expected.map((one) => ({
        ...one,
        uuid: `aa${one.uuid.slice(2)}`,
        leg: `aa${one.leg.slice(2)}`,
        ...(one.action === 'hangup'
          ? { tried: one.tried.map((leg) => ({ ...leg, leg: `aa${leg.leg.slice(2)}` })) }
          : {}),
      })),
    );
    expect(new Set(stored.map(({ progress }) => progress.url))).toEqual(new Set([URL]));
    expect(new Set(stored.map(({ subject }) => subject.replace(/\.\d+\./, '.N.')))).toEqual(
      new Set(['dialhook.progress.N.vm']),
    );
  });

  it('is published once by two agents, in order', async () => {
    const { peers, events } = await watch(2);
    const frames = renamed(events, 'bb');
    for (const frame of frames) for (const peer of peers) peer.write(frame);
    await processed(peers);
    expect((await storedSince(bus.nats, first)).map(({ id }) => id)).toEqual(idsOf('bb'));
    expect(published()).toBe(expected.length);
  });

  it('are stored once when a second agent publishes them later', async () => {
    const { peers, events } = await watch(2);
    const [early, late] = peers;
    const frames = renamed(events, 'cc');
    early?.write(...frames);
    await until(() => published() === expected.length);
    late?.write(...frames);
    await processed(peers);
    expect((await storedSince(bus.nats, first)).map(({ id }) => id)).toEqual(idsOf('cc'));
    expect(published()).toBe(expected.length);
  });
});
