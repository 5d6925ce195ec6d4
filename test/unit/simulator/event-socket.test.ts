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
        allowedApi: ['switchname'],
      },
    ],
  });
  node.gateways.add('gw');
});

afterEach(() => node.stop());

describe('login on the event socket', () => {
  test('accepts the password', async () => {
    const client = await Client.connect(node.port);
    expect([...(await client.frame(0)).headers]).toEqual([['Content-Type', 'auth/request']]);
    expect(await client.reply('auth ClueCon')).toBe('+OK accepted');
  });

  test.each([
    'auth wrong',
    'userauth agent@example.com:wrong',
    'userauth unknown@example.com:secret',
    'userauth agent',
  ])('rejects and disconnects: %s', async (command) => {
    const client = await Client.connect(node.port);
    await client.frame(0);
    expect(await client.reply(command)).toBe('-ERR invalid');
    const notice = await client.frame(2);
    expect([...notice.headers.keys()]).toEqual(['Content-Type', 'Content-Length']);
    expect(notice.headers.get('Content-Type')).toBe('text/disconnect-notice');
    expect(notice.body).toBe(GOODBYE);
    await client.untilClosed();
  });

  test('accepts a directory user and lists its permissions', async () => {
    const client = await Client.connect(node.port);
    await client.frame(0);
    const answer = await client.command('userauth limited@example.com:secret');
    expect([...answer.headers]).toEqual([
      ['Content-Type', 'command/reply'],
      ['Reply-Text', '+OK accepted'],
      ['Allowed-Events', 'CHANNEL_ANSWER'],
      ['Allowed-API', 'switchname'],
      ['Allowed-LOG', 'true'],
    ]);
    expect(await client.reply('event json CHANNEL_ANSWER')).toBe('+OK event listener enabled json');
    expect(await client.reply('event json CHANNEL_CREATE')).toBe('-ERR permission denied');
    expect(await client.reply('api show channels as json')).toBe('-ERR permission denied');
    expect((await client.command('api switchname')).body).toBe('fs1');
  });

  test('gives a user without limits all permissions', async () => {
    const client = await Client.connect(node.port);
    await client.frame(0);
    const answer = await client.command('userauth agent@example.com:secret');
    expect(answer.headers.get('Allowed-Events')).toBe('all');
    expect(answer.headers.get('Allowed-API')).toBe('all');
  });

  test('accepts no other command before it', async () => {
    const client = await Client.connect(node.port);
    await client.frame(0);
    expect(await client.reply('event json ALL')).toBe('-ERR command not found');
    expect(await client.reply('api status')).toBe('-ERR command not found');
  });

  test('disconnects a client that sends nothing for 25 seconds', async () => {
    const hasty = await SimulatedFreeSwitch.start({ name: 'hasty', clock: fastClock(1000) });
    const client = await Client.connect(hasty.port);
    await client.untilClosed();
    expect(client.frames.at(-1)?.body).toBe(GOODBYE);
    await hasty.stop();
  });
});

describe('a command on the event socket', () => {
  test.each([
    ['event json', '-ERR no keywords supplied'],
    ['event json NO_SUCH_EVENT', '-ERR no keywords supplied'],
    ['event json channel_answer', '+OK event listener enabled json'],
    ['event json CHANNEL_ANSWER NO_SUCH_EVENT', '+OK event listener enabled json'],
    ['filter Unique-ID', '-ERR invalid syntax'],
    ['filter Unique-ID 1', '+OK filter added. [Unique-ID]=[1]'],
    ['sendmsg', '-ERR invalid session id []'],
    ['sendmsg 4711', '-ERR invalid session id [4711]'],
    ['nonsense', '-ERR command not found'],
    ['getvar uuid', '-ERR command not found'],
  ])('%s', async (command, reply) => {
    const client = await Client.logIn(node.port);
    expect(await client.reply(command)).toBe(reply);
  });

  test('exit ends the connection with a notice', async () => {
    const client = await Client.logIn(node.port);
    client.send('exit\n\n');
    await client.untilClosed();
    expect(client.replies.at(-1)).toBe('+OK bye');
    expect(client.frames.at(-1)?.body).toBe(GOODBYE);
  });

  test('may arrive in pieces, together with others, and with carriage returns', async () => {
    const client = await Client.logIn(node.port);
    for (const byte of 'nonsense\r\n\r\n') client.send(byte);
    client.send('\n\nnonsense\n\nnonsense\n\n');
    await client.until(() => client.replies.length === 4);
    expect(client.replies.slice(1)).toEqual(Array(3).fill('-ERR command not found'));
  });
});

describe('api', () => {
  const api = async (command: string): Promise<string> =>
    (await (await Client.logIn(node.port)).command(`api ${command}`)).body;

  test.each([
    ['switchname', 'fs1'],
    ['uuid_exists 4711', 'false'],
    ['uuid_kill 4711', '-ERR No such channel!\n'],
    ['uuid_getvar 4711 x', '-ERR No such channel!\n'],
    ['show channels as json', '{"row_count": 0}\n'],
    ['nonsense 1 2', '-ERR nonsense Command not found!\n'],
  ])('%s', async (command, answer) => {
    expect(await api(command)).toBe(answer);
  });

  test('lists channels and hangs one up', async () => {
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

  test('sofia_contact returns the contacts of a user', async () => {
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

  test('sendmsg hangs up the channel it names', async () => {
    const client = await Client.logIn(node.port);
    const call = node.call({ ...CALL, dialplan: ['park'] });
    const message = `sendmsg ${call.uuid}\ncall-command: hangup\nhangup-cause: USER_BUSY`;
    expect(await client.reply(message)).toBe('+OK');
    expect(await call.ended).toMatchObject({ cause: 'USER_BUSY', status: 486, reason: 'USER_BUSY' });
  });
});
