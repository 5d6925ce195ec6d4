import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fastClock } from '#libs/simulator/clock.ts';
import { SimulatedFreeSwitch } from '#libs/simulator/simulated-freeswitch.ts';
import { Client } from '#test/support/simulator/client.ts';

const CALL = { caller: { number: '100', name: 'A' }, destination: '200' };
const GOODBYE = 'Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n';

let node: SimulatedFreeSwitch;

beforeEach(async () => {
  node = await SimulatedFreeSwitch.start({
    name: 'fs1',
    users: [
      { user: 'agent', domain: 'example.com', password: 'secret' },
      {
        user: 'limited',
        domain: 'example.com',
        password: 'secret',
        allowedEvents: ['CHANNEL_ANSWER'],
        allowedApi: ['status'],
      },
    ],
  });
  node.gateways.add('gw');
});

afterEach(() => node.stop());

describe('logging in', () => {
  test('asks for it, and takes the password', async () => {
    const client = await Client.connect(node.port);
    expect([...(await client.frame(0)).headers]).toEqual([['Content-Type', 'auth/request']]);
    expect(await client.reply('auth ClueCon')).toBe('+OK accepted');
  });

  test.each([
    'auth wrong',
    'userauth agent@example.com:wrong',
    'userauth nobody@example.com:secret',
    'userauth agent',
  ])('refuses and disconnects: %s', async (command) => {
    const client = await Client.connect(node.port);
    await client.frame(0);
    expect(await client.reply(command)).toBe('-ERR invalid');
    const notice = await client.frame(2);
    expect([...notice.headers.keys()]).toEqual(['Content-Type', 'Content-Length']);
    expect(notice.headers.get('Content-Type')).toBe('text/disconnect-notice');
    expect(notice.body).toBe(GOODBYE);
    await client.untilClosed();
  });

  test('takes a directory user and says what it may do', async () => {
    const client = await Client.connect(node.port);
    await client.frame(0);
    const answer = await client.command('userauth limited@example.com:secret');
    expect([...answer.headers]).toEqual([
      ['Content-Type', 'command/reply'],
      ['Reply-Text', '+OK accepted'],
      ['Allowed-Events', 'CHANNEL_ANSWER'],
      ['Allowed-API', 'status'],
      ['Allowed-LOG', 'true'],
    ]);
    expect(await client.reply('event json CHANNEL_ANSWER')).toBe('+OK event listener enabled json');
    expect(await client.reply('event json CHANNEL_CREATE')).toBe('-ERR permission denied');
    expect(await client.reply('api hostname')).toBe('-ERR permission denied');
    expect((await client.command('api status')).body).toMatch(/^UP 0 years, .*\nFreeSWITCH .* is ready\n/);
  });

  test('a user without limits may do all', async () => {
    const client = await Client.connect(node.port);
    await client.frame(0);
    const answer = await client.command('userauth agent@example.com:secret');
    expect(answer.headers.get('Allowed-Events')).toBe('all');
    expect(answer.headers.get('Allowed-API')).toBe('all');
  });

  test('before it no command is known', async () => {
    const client = await Client.connect(node.port);
    await client.frame(0);
    expect(await client.reply('event json ALL')).toBe('-ERR command not found');
    expect(await client.reply('api status')).toBe('-ERR command not found');
  });

  test('who says nothing for 25 seconds is disconnected', async () => {
    const hasty = await SimulatedFreeSwitch.start({ name: 'hasty', clock: fastClock(1000) });
    const client = await Client.connect(hasty.port);
    await client.untilClosed();
    expect(client.frames.at(-1)?.body).toBe(GOODBYE);
    await hasty.stop();
  });
});

describe('commands', () => {
  test.each([
    ['event json', '-ERR no keywords supplied'],
    ['event json NO_SUCH_EVENT', '-ERR no keywords supplied'],
    ['event plain channel_answer', '+OK event listener enabled plain'],
    ['event json CHANNEL_ANSWER NO_SUCH_EVENT', '+OK event listener enabled json'],
    ['event json CUSTOM sofia::register', '+OK event listener enabled json'],
    ['nixevent CHANNEL_ANSWER', '+OK events nixed'],
    ['noevents', '-ERR not listening for events'],
    ['filter Unique-ID', '-ERR invalid syntax'],
    ['filter Unique-ID 1', '+OK filter added. [Unique-ID]=[1]'],
    ['filter add Unique-ID 1 2', '+OK filter added. [Unique-ID]=[1 2]'],
    ['filter delete Unique-ID 1', '+OK filter deleted. [Unique-ID][1]'],
    ['filter delete all', '+OK filter deleted. [all][]'],
    ['sendmsg', '-ERR invalid session id []'],
    ['sendmsg 4711', '-ERR invalid session id [4711]'],
    ['nonsense', '-ERR command not found'],
    ['getvar uuid', '-ERR command not found'],
  ])('%s', async (command, reply) => {
    const client = await Client.logIn(node.port);
    expect(await client.reply(command)).toBe(reply);
  });

  test('exit says goodbye', async () => {
    const client = await Client.logIn(node.port);
    client.send('exit\n\n');
    await client.untilClosed();
    expect(client.replies.at(-1)).toBe('+OK bye');
    expect(client.frames.at(-1)?.body).toBe(GOODBYE);
  });

  test('commands may come in pieces, many at once, and with carriage returns', async () => {
    const client = await Client.logIn(node.port);
    for (const byte of 'noevents\r\n\r\n') client.send(byte);
    client.send('\n\nnoevents\n\nnoevents\n\n');
    await client.until(() => client.replies.length === 4);
    expect(client.replies.slice(1)).toEqual(Array(3).fill('-ERR not listening for events'));
  });

  test('bgapi answers with the job and then sends its event', async () => {
    const client = await Client.logIn(node.port, 'event json BACKGROUND_JOB');
    const job = (await client.command('bgapi hostname')).headers.get('Job-UUID');
    await client.until(() => client.events.length === 1);
    expect(client.events[0]?.get('Job-UUID')).toBe(job);
    expect(client.events[0]?.get('_body')).toBe('fs1');
  });
});

describe('api', () => {
  const api = async (command: string): Promise<string> =>
    (await (await Client.logIn(node.port)).command(`api ${command}`)).body;

  test.each([
    ['hostname', 'fs1'],
    ['switchname', 'fs1'],
    ['global_getvar domain', '127.0.0.1'],
    ['global_getvar nothing', '-ERR no reply\n'],
    ['uuid_exists 4711', 'false'],
    ['uuid_kill 4711', '-ERR No such channel!\n'],
    ['uuid_getvar 4711 x', '-ERR No such channel!\n'],
    ['show channels as json', '{"row_count": 0}\n'],
    ['nonsense 1 2', '-ERR nonsense Command not found!\n'],
  ])('%s', async (command, answer) => {
    expect(await api(command)).toBe(answer);
  });

  test('sees the channels, and ends one', async () => {
    const client = await Client.logIn(node.port);
    const call = node.call({ ...CALL, dialplan: ['answer', 'park'] });
    const ask = async (command: string): Promise<string> => (await client.command(`api ${command}`)).body;
    expect(node.channels).toBe(1);
    expect(await ask(`uuid_exists ${call.uuid}`)).toBe('true');
    expect(await ask(`uuid_getvar ${call.uuid} destination_number`)).toBe('200');
    expect(await ask(`uuid_getvar ${call.uuid} nothing`)).toBe('_undef_');
    const shown = JSON.parse(await ask('show channels as json')) as { row_count: number; rows: unknown[] };
    expect(shown).toMatchObject({
      row_count: 1,
      rows: [{ uuid: call.uuid, direction: 'inbound', cid_num: '100', dest: '200', application: 'park' }],
    });
    expect(await ask(`uuid_kill ${call.uuid} CALL_REJECTED`)).toBe('+OK\n');
    expect(await call.ended).toMatchObject({ cause: 'CALL_REJECTED', status: 200 });
    expect(node.channels).toBe(0);
  });

  test('sofia_contact', async () => {
    node.registerUser('1000', ['sip:1000@10.0.0.9:5060', 'sip:1000@10.0.0.8:5060;fs_nat=yes']);
    node.registerUser('1000', ['sip:1000@10.1.1.1'], 'example.com');
    node.registerUser('3000', []);
    const both = 'sofia/internal/sip:1000@10.0.0.9:5060,sofia/internal/sip:1000@10.0.0.8:5060;fs_nat=yes';
    expect(await api('sofia_contact */1000@127.0.0.1')).toBe(both);
    expect(await api('sofia_contact 1000')).toBe(both);
    expect(await api('sofia_contact */1000@example.com')).toBe('sofia/internal/sip:1000@10.1.1.1');
    expect(await api('sofia_contact */1000@example.org')).toBe('error/user_not_registered');
    expect(await api('sofia_contact */3000@127.0.0.1')).toBe('error/user_not_registered');
  });

  test('sendmsg hangs up a channel', async () => {
    const client = await Client.logIn(node.port);
    const call = node.call({ ...CALL, dialplan: ['park'] });
    const message = `sendmsg ${call.uuid}\ncall-command: hangup\nhangup-cause: USER_BUSY`;
    expect(await client.reply(message)).toBe('+OK');
    expect(await call.ended).toMatchObject({ cause: 'USER_BUSY', status: 486, reason: 'USER_BUSY' });
  });
});
