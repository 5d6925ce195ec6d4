import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { SimulatedCall } from '#libs/simulator/call-record.ts';
import { fastClock } from '#libs/simulator/clock.ts';
import { SimulatedFreeSwitch } from '#libs/simulator/simulated-freeswitch.ts';
import { Client, FakeAgent } from '#test/support/simulator/client.ts';

const CALL = { caller: { number: '100', name: 'A' }, destination: '200' };

let node: SimulatedFreeSwitch;
let agents: FakeAgent[];

beforeEach(async () => {
  agents = [];
  node = await SimulatedFreeSwitch.start({ name: 'fs1' });
  node.gateways.add('gw');
});

afterEach(async () => {
  await node.stop();
  for (const agent of agents) await agent.close();
});

/** A call that an agent controls. */
async function handedOver(
  more: { options?: string; dialplan?: readonly string[]; variables?: Record<string, string> } = {},
  on = node,
): Promise<{ call: SimulatedCall; agent: Client }> {
  const connected = Promise.withResolvers<Client>();
  const agent = await FakeAgent.listen((client) => connected.resolve(client));
  agents.push(agent);
  const call = on.call({
    ...CALL,
    variables: more.variables ?? {},
    dialplan: [
      `socket 127.0.0.1:${agent.port}${more.options ?? ''}`,
      ...(more.dialplan ?? ['hangup CALL_REJECTED']),
    ],
  });
  return { call, agent: await connected.promise };
}

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return address !== null && typeof address === 'object' ? address.port : 0;
}

test('socket tries the next host when one refuses the connection', async () => {
  const connected = Promise.withResolvers<Client>();
  const agent = await FakeAgent.listen((client) => connected.resolve(client));
  agents.push(agent);
  const call = node.call({
    ...CALL,
    dialplan: [`socket 127.0.0.1:${await closedPort()}|127.0.0.1:${agent.port}`],
  });
  const client = await connected.promise;
  expect((await client.command('connect')).headers.get('variable_socket_host')).toBe('127.0.0.1');
  call.hangup();
});

test('the dialplan continues when no host accepts the connection', async () => {
  const call = node.call({
    ...CALL,
    dialplan: [`socket 127.0.0.1:${await closedPort()}`, 'socket', 'hangup USER_BUSY'],
  });
  expect(await call.ended).toMatchObject({ cause: 'USER_BUSY', status: 486 });
});

test.each<[string, (agent: Client) => unknown]>([
  ['exits', (agent) => agent.send('connect\n\nexit\n\n')],
  ['ends the connection', (agent) => agent.socket.end('connect\n\n')],
  ['dies', (agent) => agent.socket.destroy()],
  ['exits before anything else', (agent) => agent.send('exit\n\n')],
])('the dialplan continues when the agent %s', async (_, leave) => {
  const { call, agent } = await handedOver();
  leave(agent);
  expect(await call.ended).toMatchObject({ cause: 'CALL_REJECTED', status: 603 });
});

test('the connection ends if the agent sends no command for 25 seconds', async () => {
  const hasty = await SimulatedFreeSwitch.start({ name: 'hasty', clock: fastClock(1000) });
  const { call, agent } = await handedOver({}, hasty);
  expect(await call.ended).toMatchObject({ cause: 'CALL_REJECTED' });
  await agent.untilClosed();
  expect(agent.frames.map(({ headers }) => headers.get('Content-Type'))).toEqual(['text/disconnect-notice']);
  await hasty.stop();
});

test('the agent has no time limit after connect', async () => {
  const hasty = await SimulatedFreeSwitch.start({ name: 'hasty', clock: fastClock(1000) });
  const { call, agent } = await handedOver({}, hasty);
  await agent.command('connect');
  await agent.command('sendmsg\ncall-command: execute\nexecute-app-name: sleep\nexecute-app-arg: 60000');
  agent.send('exit\n\n');
  expect(await call.ended).toMatchObject({ cause: 'CALL_REJECTED' });
  await hasty.stop();
});

test('the agent gets a notice and is disconnected when the caller hangs up', async () => {
  const { call, agent } = await handedOver();
  await agent.command('connect');
  call.hangup();
  await agent.untilClosed();
  const notice = agent.frames.at(-1);
  expect(notice?.headers.get('Content-Type')).toBe('text/disconnect-notice');
  expect(notice?.headers.get('Controlled-Session-UUID')).toBe(call.uuid);
  expect(notice?.headers.get('Content-Disposition')).toBe('disconnect');
  expect(await call.ended).toMatchObject({
    cause: 'ORIGINATOR_CANCEL',
    status: 487,
    applications: [{ name: 'socket' }],
  });
});

test('a command that is running when the caller hangs up is answered', async () => {
  const watching = await Client.logIn(node.port, 'event json CHANNEL_EXECUTE');
  const { call, agent } = await handedOver();
  agent.send('connect\n\nsendmsg\ncall-command: execute\nexecute-app-name: park\n\n');
  await watching.until(() => watching.events.some((event) => event.get('Application') === 'park'));
  call.hangup();
  await agent.untilClosed();
  expect(agent.replies).toEqual(['%2BOK%0A', '+OK']);
});

test('xferext gives the call a new extension, which starts on exit', async () => {
  const { call, agent } = await handedOver();
  await agent.command('connect');
  expect(
    await agent.reply(
      'sendmsg\ncall-command: xferext\napplication: set a=1\napplication: hangup NO_ROUTE_DESTINATION',
    ),
  ).toBe('+OK');
  expect(
    await agent.reply('sendmsg\ncall-command: execute\nexecute-app-name: set\nexecute-app-arg: b=2'),
  ).toBe('+OK');
  agent.send('exit\n\n');
  expect(await call.ended).toMatchObject({
    cause: 'NO_ROUTE_DESTINATION',
    status: 404,
    variables: { a: '1', b: '2' },
    applications: [{ name: 'socket' }, { name: 'set' }, { name: 'set' }, { name: 'hangup' }],
  });
});

test('execute takes its data from a body of text, unless a header has them', async () => {
  const { call, agent } = await handedOver();
  await agent.command('connect');
  const execute = 'sendmsg\ncall-command: execute\nexecute-app-name: set';
  const withBody = (type: string, body: string) =>
    `${execute}\ncontent-type: ${type}\ncontent-length: ${Buffer.byteLength(body)}\n\n${body}`;
  for (const command of [
    withBody('text/plain', 'a=张三'),
    withBody('text/json', 'b=2'),
    withBody('text/plain\nexecute-app-arg: c=3', 'c=4'),
  ])
    expect(await agent.reply(command)).toBe('+OK');
  agent.send('sendmsg\ncall-command: xferext\napplication: hangup\n\nexit\n\n');
  const { variables } = await call.ended;
  expect(variables).toMatchObject({ a: '张三', c: '3' });
  expect(variables).not.toHaveProperty('b');
});

test('the extension of xferext runs although the agent dies', async () => {
  const { call, agent } = await handedOver();
  await agent.command('connect');
  await agent.command('sendmsg\ncall-command: xferext\napplication: hangup 1');
  agent.socket.destroy();
  expect(await call.ended).toMatchObject({ cause: 'UNALLOCATED_NUMBER' });
});

test('an application with a backslash before a quote is left out of an extension', async () => {
  const { call, agent } = await handedOver();
  agent.send(
    "connect\n\nsendmsg\ncall-command: xferext\napplication: set a=\\'\napplication: hangup 17\n\nexit\n\n",
  );
  const record = await call.ended;
  expect(record.applications.map(({ name }) => name)).toEqual(['socket', 'hangup']);
});

test('commands of inbound connections are unknown on an outbound one', async () => {
  const { call, agent } = await handedOver();
  await agent.command('connect');
  for (const command of ['api status', 'bgapi status', 'event json ALL', 'noevents', 'linger']) {
    expect(await agent.reply(command)).toBe('-ERR command not found');
  }
  expect(await agent.reply('sendmsg 4711\ncall-command: hangup')).toBe('-ERR invalid session id [4711]');
  call.hangup();
});

test('getvar returns variables, profile fields and globals, cut to 511 bytes', async () => {
  const { call, agent } = await handedOver({ variables: { long: '张'.repeat(300), colour: 'red' } });
  await agent.command('connect');
  expect(await agent.reply('getvar colour')).toBe('red');
  expect(await agent.reply('getvar COLOUR')).toBe('red');
  expect(await agent.reply('getvar destination_number')).toBe('200');
  expect(await agent.reply('getvar core_uuid')).toMatch(/^[0-9a-f-]{36}$/);
  expect(await agent.reply('getvar nothing')).toBe('-ERR command not found');
  expect(await agent.reply('getvar long')).toBe(`${'张'.repeat(170)}\u{fffd}`);
  call.hangup();
});

test('sendmsg may name the call', async () => {
  const { call, agent } = await handedOver();
  await agent.command('connect');
  await agent.command(
    `sendmsg ${call.uuid}\ncall-command: execute\nexecute-app-name: set\nexecute-app-arg: a=1`,
  );
  expect(await agent.reply('getvar a')).toBe('1');
  await agent.command(`sendmsg\nsession-id: ${call.uuid}\ncall-command: hangup\nhangup-cause: 21`);
  expect(await call.ended).toMatchObject({ cause: 'CALL_REJECTED', status: 603 });
});
