import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Bus } from '#libs/bus/connection.ts';
import { DecisionClient } from '#libs/bus/decision-client.ts';
import type { DecisionReply } from '#libs/contract/messages.ts';
import { CALL_VARIABLE, tagCall } from '#libs/dialplan/applications.ts';
import { EventSocket } from '#libs/esl/event-socket.ts';
import { OutboundServer } from '#libs/esl/outbound.ts';
import { OutboundCall } from '#libs/esl/outbound-call.ts';
import { SetAside } from '#libs/isolation/set-aside.ts';
import { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { CallHandler } from '#services/agent/call-handler.ts';
import { readAgentConfig } from '#services/agent/config.ts';
import { startTestAgent, type TestAgent } from '#test/support/agent/agent.ts';
import { type CallScript, FreeSwitchCall } from '#test/support/agent/call.ts';
import { decided, type Routers, scriptRouters } from '#test/support/agent/routers.ts';
import { channelData, Peer, reply } from '#test/support/esl/peer.ts';
import { recordLog } from '#test/support/log.ts';
import { type NatsServer, startNats } from '#test/support/servers/nats.ts';
import { until } from '#test/support/until.ts';

const TAG = `^^;${CALL_VARIABLE}=`;

const GATEWAY = { type: 'gateway', number: '123456', gateway: 'gw' };
const CTI_BRIDGE = 'http://crm/binding?number=0555 3000 3000 1';

let nats: NatsServer;
let routers: Routers;
let agent: TestAgent;

beforeAll(async () => {
  nats = await startNats();
});
afterAll(() => nats.stop());
beforeEach(async () => {
  routers = await scriptRouters(nats.url);
  agent = await startTestAgent(nats.url);
});
afterEach(async () => {
  await agent.stop();
  await routers.stop();
  expect(agent.errors()).toEqual([]);
});

const place = (script: CallScript = {}) =>
  FreeSwitchCall.place(agent.port, { ...script, variables: { cti_bridge: CTI_BRIDGE, ...script.variables } });

async function placeAndWait(script: CallScript = {}) {
  const call = await place(script);
  await call.released();
  await until(() => agent.server.size === 0 && outcomes().length > 0);
  return call;
}

const outcomes = () =>
  agent.lines.filter(({ event }) => event === 'call.decided' || event === 'call.not_decided');
const continued = (call: FreeSwitchCall) => ({
  result: call.variables.get('dialhook_result'),
  error: call.variables.get('dialhook_error'),
  cti_bridge: call.variables.get('cti_bridge'),
  last: call.steering.at(-1),
  listed: call.steering.filter((packet) => packet.includes('xferext')).length,
});

describe('a decision', () => {
  it('is requested with all channel data of the call', async () => {
    routers.script = () => decided({ dial: GATEWAY });
    const call = await placeAndWait({
      headers: { 'Caller-Caller-ID-Name': "张三 O'Brien 100%" },
      variables: { 'sip_h_X-Account': '7', sip_h_Other: 'no' },
    });
    expect(routers.requests).toEqual([
      {
        v: 1,
        url: 'http://crm/binding?number=0555',
        connect_timeout_ms: 3000,
        response_timeout_ms: 3000,
        request: expect.objectContaining({
          uuid: call.uuid,
          node: 'fs1',
          caller_id_name: "张三 O'Brien 100%",
          variables: { 'sip_h_X-Account': '7' },
        }),
      },
    ]);
    expect(outcomes()).toMatchObject([
      { event: 'call.decided', call: call.uuid, result: 'decided', node: 'fs1' },
    ]);
  });

  it('becomes one list of applications and exit', async () => {
    routers.script = () => decided({ dial: GATEWAY, variables: { absolute_codec_string: 'PCMA,PCMU' } });
    const { steering, applications } = await placeAndWait();
    expect(steering.filter((packet) => packet.includes('xferext'))).toHaveLength(1);
    expect(applications.at(-3)).toEqual({
      name: 'bridge',
      data: expect.stringMatching(/[;]absolute_codec_string=PCMA,PCMU\}sofia\/gateway\/gw\/123456$/),
    });
    expect(steering.at(-1)).toBe('exit');
  });

  it.each([
    ['http://crm/?name=${x}', 'export nolocal:cti_bridge=http://crm/?name=%24{x} 3000 3000 1'],
    ['http://crm/ 1000', 'bridge .*;cti_bridge=http://crm/ 1000 3000 1[;}]'],
  ])('sets a complete cti_bridge on the called legs for %s', async (text, expected) => {
    routers.script = () => decided({ dial: GATEWAY });
    const { applications } = await placeAndWait({ variables: { cti_bridge: text } });
    const lines = applications.map(({ name, data }) => `${name} ${data}`);
    expect(lines.some((line) => line === expected || new RegExp(expected).test(line))).toBe(true);
  });

  it('for a user looks up the contacts and reports users that are not registered', async () => {
    routers.script = () =>
      decided({
        dial: [
          { type: 'user', number: '9', user: '1000' },
          { type: 'user', number: '9', user: '1001' },
        ],
      });
    const call = await placeAndWait({
      variables: { domain_name: 'pbx' },
      contacts: { '1000@pbx': 'sofia/internal/sip:1000@10.0.0.9:5060' },
    });
    expect(call.applications.filter(({ name }) => name === 'bridge')).toEqual([
      { name: 'bridge', data: expect.stringMatching(/\}sofia\/internal\/sip:9@10\.0\.0\.9:5060$/) },
    ]);
    expect(outcomes()).toMatchObject([{ result: 'decided', error: 'not registered: 1001' }]);
  });

  it('uses the exact value of cti_bridge, however long and however channel data encodes it', async () => {
    routers.script = () => decided({ dial: GATEWAY });
    const url = `http://crm/b?name=a%20b&long=${'x'.repeat(900)}&end`;
    await placeAndWait({ variables: { cti_bridge: `${url} 100 200 0` } });
    expect(routers.requests[0]).toMatchObject({ url, connect_timeout_ms: 100, response_timeout_ms: 200 });
  });
});

describe('the tag on the channel', () => {
  const isTag = (packet: string) => packet.includes(TAG);
  const releases = (packet: string) => packet.includes('xferext');
  let stored: PromiseWithResolvers<void>;
  let tracked: string[];
  let untaggedHangups: number;
  let handler: CallHandler;
  let lifecycle: Lifecycle;
  let port: number;

  // Wired by hand, so that the test decides when NATS has stored the live call.
  beforeEach(async () => {
    stored = Promise.withResolvers();
    tracked = [];
    untaggedHangups = 0;
    const { log } = recordLog();
    lifecycle = new Lifecycle(log, 5_000);
    const bus = await Bus.connect(nats.url, 'agent', lifecycle, log);
    handler = new CallHandler({
      decisions: new DecisionClient(bus),
      config: readAgentConfig({}),
      log,
      aside: new SetAside(log),
      trackCall: (_, { uuid }, { url }) => {
        tracked.push(`${uuid} ${url}`);
        return stored.promise;
      },
      onUntaggedHangup: () => untaggedHangups++,
    });
    const server = await OutboundServer.listen({
      host: '127.0.0.1',
      port: 0,
      tag: (data) => tagCall(data['Unique-ID'] ?? '', {}),
      readAhead: 'cti_bridge',
      onCall: (call) => handler.handle(call),
      onRefused: () => {},
      onError: () => {},
    });
    lifecycle.onStop('socket', () => server.close());
    port = server.port;
  });
  afterEach(() => lifecycle.stop());

  const placeHere = () => FreeSwitchCall.place(port, { variables: { cti_bridge: CTI_BRIDGE } });

  it('is set before the applications when NATS has not stored the live call yet', async () => {
    routers.script = () => decided({ dial: GATEWAY });
    const call = await (await placeHere()).released();
    expect(tracked).toEqual([`${call.uuid} http://crm/binding?number=0555`]);
    const sent = call.peer.commands.filter((packet) => isTag(packet) || releases(packet));
    expect(sent.map(isTag)).toEqual([true, false]);
  });

  it('is set once, as soon as NATS has stored the live call', async () => {
    const { promise: reply, resolve: decide } = Promise.withResolvers<DecisionReply>();
    routers.script = () => reply;
    const call = await placeHere();
    await until(() => routers.requests.length === 1);
    expect(call.peer.commands.filter(isTag)).toEqual([]);
    stored.resolve();
    await until(() => call.peer.commands.filter(isTag).length === 1);
    decide(decided({ dial: GATEWAY }));
    await call.released();
    expect(call.peer.commands.filter(isTag)).toHaveLength(1);
    expect(untaggedHangups).toBe(0);
  });

  it('requests a reconciliation when the caller has hung up and the channel may not have executed the tag', async () => {
    routers.script = () => new Promise(() => {});
    const call = await placeHere();
    stored.resolve();
    await until(() => call.peer.commands.filter(isTag).length === 1);
    expect(untaggedHangups).toBe(0);
    call.peer.reset();
    await until('a reconciliation is requested', () => untaggedHangups === 1);
  });

  it.each<[string, (call: FreeSwitchCall) => void, number]>([
    ['when the caller has hung up before the live call was stored', (call) => call.peer.reset(), 1],
    ['never for a caller that stays', () => {}, 0],
  ])('requests a reconciliation %s', async (_, leave, expected) => {
    const { promise: reply, resolve: decide } = Promise.withResolvers<DecisionReply>();
    routers.script = () => reply;
    const call = await placeHere();
    await until(() => routers.requests.length === 1);
    leave(call);
    if (expected === 1) await call.peer.closed;
    await until(() => handler.deciding === 1 - expected);
    stored.resolve();
    await until(() => untaggedHangups + call.peer.commands.filter(isTag).length === 1);
    expect(untaggedHangups).toBe(expected);
    decide(decided({ dial: GATEWAY }));
  });
});

describe('without a decision the dialplan continues', () => {
  it.each<[string, string, string]>([
    ['http_status', 'the endpoint answered 500', 'the endpoint answered 500'],
    ['invalid_decision', 'dial ${system(x)} \\ \n a', 'dial  {system(x)}     a'],
    ['response_timeout', 'x'.repeat(600), 'x'.repeat(500)],
  ])('with %s and an error that FreeSWITCH does not expand', async (result, words, error) => {
    routers.script = () => JSON.stringify({ v: 1, result, error: words });
    const call = await placeAndWait();
    expect(continued(call)).toEqual({ result, error, cti_bridge: CTI_BRIDGE, last: 'exit', listed: 0 });
    expect(outcomes()).toMatchObject([{ event: 'call.not_decided', result }]);
  });

  it.each<[string, CallScript, string | undefined, string, string]>([
    ['there is no URL', { variables: { cti_bridge: '' } }, undefined, 'invalid_arguments', 'URL is missing'],
    [
      'the URL is invalid',
      { variables: { cti_bridge: 'crm' } },
      undefined,
      'invalid_arguments',
      'URL must start',
    ],
    ['a router replies nonsense', {}, 'nonsense', 'internal_error', 'dialhook.decide: not JSON'],
    [
      'a router replies in another version',
      {},
      '{"v":2,"result":"decided"}',
      'internal_error',
      'dialhook.decide: ',
    ],
    [
      'a plan contains a line end',
      {},
      JSON.stringify({ v: 1, result: 'decided', plan: { groups: [], variables: { a: 'b\nc' } } }),
      'internal_error',
      'dialhook.decide: plan',
    ],
    [
      'no router answers in time',
      { variables: { cti_bridge: 'http://crm/ 1 1' } },
      undefined,
      'router_timeout',
      'no router accepted the request within 252 ms',
    ],
    [
      'no user is registered',
      { variables: { domain_name: 'pbx' } },
      JSON.stringify(decided({ dial: { type: 'user', number: '9', user: '1000' } })),
      'user_not_registered',
      'not registered: 1000',
    ],
  ])('when %s', async (_, script, replied, result, error) => {
    routers.script = () => replied;
    const call = await placeAndWait(script);
    expect(continued(call)).toMatchObject({
      result,
      error: expect.stringContaining(error),
      last: 'exit',
      listed: 0,
    });
  });

  it('when no router is running', async () => {
    await routers.stop();
    const call = await placeAndWait();
    expect(continued(call)).toMatchObject({ result: 'no_router', error: 'no router is running' });
  });

  it('when more calls wait for a decision than allowed', async () => {
    const small = await startTestAgent(nats.url, { MAX_CALLS_DECIDING: '1' });
    const first = await FreeSwitchCall.place(small.port, {
      variables: { cti_bridge: CTI_BRIDGE },
      uuid: 'first',
    });
    await until(() => routers.requests.length === 1);
    const second = await FreeSwitchCall.place(small.port, { variables: { cti_bridge: CTI_BRIDGE } });
    await second.released();
    expect(continued(second)).toMatchObject({
      result: 'overloaded',
      error: 'the agent already has 1 calls that wait for a decision (MAX_CALLS_DECIDING)',
    });
    first.peer.reset();
    await until(() => small.server.size === 0);
    const third = await FreeSwitchCall.place(small.port, { variables: { cti_bridge: CTI_BRIDGE } });
    await until(() => routers.requests.length === 2);
    third.peer.reset();
    await small.stop();
  });

  it('when FreeSWITCH refuses a command', async () => {
    routers.script = () => decided({ dial: { type: 'user', number: '9', user: '1000' } });
    const call = await placeAndWait({
      answers: (packet) => (packet.includes('sofia_contact') ? reply('-ERR no such application') : undefined),
    });
    expect(continued(call)).toMatchObject({
      result: 'internal_error',
      error: 'sendmsg: no such application',
    });
    expect(agent.lines.filter(({ event }) => event === 'call.failed')).toHaveLength(1);
  });
});

describe('a failed dial', () => {
  const HOSTS = '127.0.0.1:8084|127.0.0.2:8084';
  const through = { current_application: 'socket', current_application_data: HOSTS };

  it('makes another request with tried when the decision says on_fail: request', async () => {
    routers.script = () => decided({ dial: GATEWAY, on_fail: 'request' });
    const call = await placeAndWait({
      uuid: 'u',
      variables: {
        ...through,
        dialhook_call: 'u',
        dialhook_attempt: '1',
        dialhook_entry: 'failed',
        originated_legs: 'a;x;1',
        originate_causes: 'a;USER_BUSY',
      },
    });
    expect(routers.requests[0]?.request).toMatchObject({
      reason: 'failed',
      attempt: 2,
      tried: [{ leg: 'a', number: '1', cause: 'USER_BUSY' }],
    });
    const { applications } = call;
    expect(applications[0]?.data).toContain(';dialhook_attempt=2;');
    expect(applications.slice(-3)).toEqual([
      {
        name: 'multiset',
        data: '^^;dialhook_entry=failed;dialhook_cause=${originate_failed_cause};dialhook_cause${originate_failed_cause}=${last_bridge_hangup_cause}',
      },
      { name: 'socket', data: HOSTS },
      { name: 'hangup', data: '${dialhook_cause}' },
    ]);
  });

  it('reads the caller again only for a request', async () => {
    const headers = { 'Caller-Caller-ID-Name': 'O%27Brien%20100%25' };
    const readsOf = async (entry: string) => {
      const variables = { ...through, dialhook_call: 'u', dialhook_entry: entry };
      const call = await (await place({ uuid: 'u', headers, variables })).released();
      return call.peer.commands.filter((command) => command.includes('caller_id_name'));
    };
    expect(await readsOf('next')).toEqual([]);
    expect(await readsOf('failed')).toEqual(['getvar caller_id_name']);
  });

  it('ends the call after the last attempt', async () => {
    routers.script = () => decided({ dial: GATEWAY, on_fail: 'request' });
    const call = await placeAndWait({
      uuid: 'u',
      variables: { ...through, dialhook_call: 'u', dialhook_attempt: '4' },
    });
    expect(call.applications.at(-1)).toEqual({
      name: 'hangup',
      data: '${dialhook_cause}',
    });
  });
});

describe('a caller that hangs up', () => {
  const gone = () => outcomes().map(({ result }) => result);

  it.each<[string, (call: FreeSwitchCall) => void]>([
    [
      'with a notice',
      (call) => call.peer.write('Content-Type: text/disconnect-notice\nContent-Length: 0\n\n'),
    ],
    ['with the connection', (call) => call.peer.end()],
    ['with a reset', (call) => call.peer.reset()],
  ])('%s while the endpoint decides: the request is abandoned and nothing is dialled', async (_, giveUp) => {
    const call = await place();
    await until(() => routers.requests.length === 1);
    giveUp(call);
    await until(() => routers.abandoned.length === 1 && gone().length === 1);
    expect(routers.abandoned).toEqual([call.uuid]);
    expect(gone()).toEqual(['caller_gone']);
    expect(call.steering).toEqual([]);
    call.peer.end();
  });

  it('before the request leads to no request', async () => {
    const peer = await Peer.dial(agent.port);
    const long = `http://crm/?x=${'x'.repeat(600)} 3000 3000 1`;
    const data = {
      'Unique-ID': 'early',
      'FreeSWITCH-Switchname': 'fs1',
      'Event-Date-Timestamp': '1795458426595100',
      variable_cti_bridge: long,
    };
    await peer.answer('', reply(long.slice(0, 511)), channelData(data));
    expect(await peer.command()).toContain('dialhook_piece');
    peer.reset();
    await until(() => gone().length === 1);
    expect(gone()).toEqual(['caller_gone']);
    expect(routers.requests).toEqual([]);
  });

  it('while users are looked up: nothing is dialled', async () => {
    routers.script = () => decided({ dial: { type: 'user', number: '9', user: '1000' } });
    const call: FreeSwitchCall = await place({
      answers: (packet) => {
        if (!packet.includes('sofia_contact')) return undefined;
        call.peer.reset();
        return '';
      },
    });
    await until(() => gone().length === 1);
    expect(gone()).toEqual(['caller_gone']);
    expect(call.steering.filter((packet) => packet.includes('xferext'))).toEqual([]);
  });

  it('when its places are taken: they are freed without an event of its end', async () => {
    const other = await startTestAgent(nats.url, { LIMITS: 'gw:gw=1' });
    const states: string[] = [];
    other.bus.nats.subscribe('dialhook.limits.place.>', {
      callback: (_, message) => void states.push(message.json<{ state: string }>().state),
    });
    routers.script = () => decided({ dial: GATEWAY });
    const call: FreeSwitchCall = await FreeSwitchCall.place(other.port, {
      variables: { cti_bridge: CTI_BRIDGE },
      answers: (packet) => {
        if (!packet.includes('xferext')) return undefined;
        call.peer.reset();
        return '';
      },
    });
    await until('the place is freed', () => states.includes('freed'));
    expect(states).toEqual(['taken', 'freed']);
    expect(other.lines).toContainEqual(expect.objectContaining({ result: 'caller_gone' }));
    await other.stop();
  });

  it('is detected when the connection refuses writes before it reports its end', async () => {
    routers.script = () => decided({ dial: GATEWAY });
    const tcp = connect(agent.port, '127.0.0.1');
    const { socket } = EventSocket.accept(tcp, { onClose: () => {} });
    socket.destroy();
    const ahead = new Map([['cti_bridge', CTI_BRIDGE]]);
    const headers = {
      'Unique-ID': 'closing',
      'Event-Date-Timestamp': '1795458426595100',
      variable_cti_bridge: CTI_BRIDGE,
    };
    await agent.handler.handle(
      new OutboundCall({ headers, raw: headers }, new AbortController().signal, socket, ahead),
    );
    expect(gone()).toEqual(['caller_gone']);
  });

  it('while a failure is written to the channel is not an error', async () => {
    routers.script = () => JSON.stringify({ v: 1, result: 'http_status', error: '500' });
    const call: FreeSwitchCall = await place({
      answers: (packet) => {
        if (!packet.includes('dialhook_result')) return undefined;
        call.peer.reset();
        return '';
      },
    });
    await until(() => gone().length === 1);
    expect(gone()).toEqual(['http_status']);
  });
});

it.each<[string, Record<string, string>]>([
  ['a creation time of 1e30', { 'Caller-Channel-Created-Time': '1e30' }],
  ['a negative creation time', { 'Caller-Channel-Created-Time': '-1795458426595100' }],
  ['a creation time of 400 digits', { 'Caller-Channel-Created-Time': '9'.repeat(400) }],
  ['an attempt of 1.5', { variable_dialhook_call: 'odd', variable_dialhook_attempt: '1.5' }],
  ['an attempt of 1e300', { variable_dialhook_call: 'odd', variable_dialhook_attempt: '1e300' }],
  [
    'attempts beyond counting',
    { variable_dialhook_call: 'odd', variable_dialhook_attempt: '9007199254740991' },
  ],
])('decides a call with %s', async (_, headers) => {
  routers.script = () => decided({ dial: GATEWAY });
  const call = await FreeSwitchCall.place(agent.port, {
    uuid: 'odd',
    variables: { cti_bridge: CTI_BRIDGE },
    headers,
  });
  await call.released();
  expect(call.steering.at(-2)).toContain('xferext');
  expect(routers.requests.at(-1)?.request).toMatchObject({ uuid: 'odd', attempt: 1 });
});

it.each([
  [
    'without a timestamp',
    { 'Event-Date-Timestamp': 'soon' },
    'Event-Date-Timestamp of the call a is not a time',
  ],
  [
    'with a uuid of 5,000 bytes',
    { 'Unique-ID': 'a'.repeat(5_000) },
    'the uuid of the channel has 5000 bytes',
  ],
])('refuses channel data %s and keeps handling other calls', async (_, headers, reason) => {
  const other = await startTestAgent(nats.url);
  const peer = await Peer.dial(other.port);
  await peer.answer(
    channelData({ 'Event-Date-Timestamp': '1795458426595100', 'Unique-ID': 'a', ...headers }),
  );
  await peer.closed;
  expect(other.errors()).toMatchObject([
    { event: 'network.connection_refused', reason: expect.stringContaining(reason) },
  ]);
  routers.script = () => decided({ dial: GATEWAY });
  const call = await FreeSwitchCall.place(other.port, { variables: { cti_bridge: CTI_BRIDGE } });
  await call.released();
  expect(call.steering.at(-2)).toContain('xferext');
  await other.stop();
});
