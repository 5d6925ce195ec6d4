import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ClosedError, CommandError } from '#libs/esl/event-socket.ts';
import { OutboundServer } from '#libs/esl/outbound.ts';
import type { OutboundCall } from '#libs/esl/outbound-call.ts';
import { UnsafeValueError } from '#libs/esl/text.ts';
import { channelData, OK, Peer, reply } from '#test/support/esl/peer.ts';
import { framesOf, recorded } from '#test/support/esl/recordings.ts';
import { until } from '#test/support/until.ts';

const execute = (name: string, data: string) => {
  const headers = `sendmsg\ncall-command: execute\nexecute-app-name: ${name}\ncontent-type: text/plain`;
  return data === '' ? headers : `${headers}\ncontent-length: ${Buffer.byteLength(data)}\n\n${data}`;
};
const TAG = { name: 'export', data: 'dialhook_call=${uuid}' };
const TAGGED = execute(TAG.name, TAG.data);
const CORE_UUID = '6ffd4ce0-54f4-4cc9-8edf-ad14634e844f';
const DISCONNECT = 'Content-Type: text/disconnect-notice\nContent-Length: 4\n\nbye\n';

let server: OutboundServer;
let calls: OutboundCall[];
let peers: Peer[];
let errors: Error[];
let refusals: string[];
let onCall: (call: OutboundCall) => Promise<void>;

const listen = (readAhead?: string) =>
  OutboundServer.listen({
    host: '127.0.0.1',
    port: 0,
    tag: () => TAG,
    ...(readAhead === undefined ? {} : { readAhead }),
    onCall: (call) => {
      calls.push(call);
      return onCall(call);
    },
    onRefused: (_, why) => refusals.push(why),
    onError: (error) => errors.push(error),
  });

beforeEach(async () => {
  calls = [];
  peers = [];
  errors = [];
  refusals = [];
  onCall = async () => {};
  server = await listen();
});

afterEach(async () => {
  vi.useRealTimers();
  for (const peer of peers) peer.socket.destroy();
  await server.close();
});

async function dial(): Promise<Peer> {
  const peer = await Peer.dial(server.port);
  peers.push(peer);
  return peer;
}

/** A call whose handler is running and returns after `release`. */
async function call() {
  const handled = Promise.withResolvers<void>();
  onCall = () => handled.promise;
  const before = calls.length;
  const peer = await dial();
  await peer.answer(channelData({ 'Core-UUID': CORE_UUID }));
  await until(() => calls.length > before);
  const outbound = calls[before];
  if (!outbound) throw new Error('no call');
  return { peer, call: outbound, release: handled.resolve };
}

/** Proves that nothing was sent before: this command is the next that FreeSWITCH receives. */
async function expectNothingSent(peer: Peer, outbound: OutboundCall): Promise<void> {
  const next = outbound.execute('next', '');
  expect(await peer.answer(OK)).toEqual([execute('next', '')]);
  await next;
}

describe('a call', () => {
  it('is queried for its channel data and handed over with it', async () => {
    const peer = await dial();
    expect(await peer.command()).toBe('connect');
    expect(calls).toEqual([]);
    peer.write(channelData({}));
    await until(() => calls.length === 1);
  });

  it('is tagged once, if configured', async () => {
    const { peer, call: outbound, release } = await call();
    outbound.tag();
    outbound.tag();
    expect(await peer.answer(OK)).toEqual([TAGGED]);
    await expectNothingSent(peer, outbound);
    release();
  });

  it('has decoded channel data', async () => {
    const peer = await dial();
    await peer.answer(...framesOf(recorded('answered', 'outbound.from-freeswitch')).slice(0, 1));
    await until(() => calls.length === 1);
    expect(calls[0]?.data).toMatchObject({
      'Unique-ID': 'e6ffd4ce-54f4-4cc9-8edf-ad14634e844f',
      'Caller-Caller-ID-Name': "张三 O'Brien 100%",
      variable_cti_bridge: 'http://127.0.0.1:9000/binding?number=0555&callerid=13800138000 3000 3000 1',
      'Reply-Text': '+OK\n',
    });
  });

  it('matches every reply to its command', async () => {
    const { peer, call: outbound, release } = await call();
    const replies = [
      outbound.execute('set', 'a=b'),
      outbound.getVariable('one'),
      outbound.getVariable('two'),
      outbound.execute('unset', 'a').catch(String),
      outbound.getVariable('three'),
    ];
    const uuid = reply(CORE_UUID);
    const answers = [
      reply('+OK'),
      reply('50% off'),
      uuid,
      '',
      uuid,
      reply('-ERR no'),
      reply('-ERR command not found'),
    ];
    expect(await peer.answer(...answers, uuid)).toEqual([
      execute('set', 'a=b'),
      'getvar one',
      'getvar core_uuid',
      'getvar two',
      'getvar core_uuid',
      execute('unset', 'a'),
      'getvar three',
      'getvar core_uuid',
    ]);
    expect(
      (await Promise.all(replies)).map((one) =>
        typeof one === 'string' || Buffer.isBuffer(one) ? String(one) : one.text,
      ),
    ).toEqual(['+OK', '50% off', '', 'CommandError: sendmsg: no', '']);
    release();
  });

  it('reads replies that arrive in pieces', async () => {
    const { peer, call: outbound, release } = await call();
    const value = outbound.getVariable('name');
    await peer.command();
    for (const byte of Buffer.from(reply('张三 100%') + reply(CORE_UUID))) {
      peer.socket.write(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(String(await value)).toBe('张三 100%');
    release();
  });

  it('gets its applications and is released', async () => {
    const { peer, call: outbound, release } = await call();
    const released = outbound.runAndRelease([
      { name: 'bridge', data: 'user/1' },
      { name: 'hangup', data: '' },
    ]);
    expect([await peer.command(), await peer.command(), await peer.command()]).toEqual([
      TAGGED,
      'sendmsg\ncall-command: xferext\napplication: bridge user/1\napplication: hangup',
      'exit',
    ]);
    peer.write(OK, OK, reply('+OK bye'), DISCONNECT);
    peer.end();
    await released;
    release();
    await peer.closed;
    await until(() => server.size === 0);
    expect(errors).toEqual([]);
  });

  it('gets the settings before its first other application as bodies, which FreeSWITCH reads at once', async () => {
    const { peer, call: outbound, release } = await call();
    const released = outbound.runAndRelease([
      { name: 'set', data: 'a=1' },
      { name: 'multiset', data: '^^;b=张三;c=' },
      { name: 'bridge', data: 'user/1' },
      { name: 'multiset', data: '^^;b=;c=2' },
    ]);
    expect(await peer.answer(OK, OK, OK, OK, reply('+OK bye'))).toEqual([
      TAGGED,
      execute('set', 'a=1'),
      execute('multiset', '^^;b=张三;c='),
      'sendmsg\ncall-command: xferext\napplication: bridge user/1\napplication: multiset ^^;b=;c=2',
      'exit',
    ]);
    await released;
    expect(outbound.released?.applications).toEqual([
      'set a=1',
      'multiset ^^;b=张三;c=',
      'bridge user/1',
      'multiset ^^;b=;c=2',
    ]);
    release();
  });

  it('rejects when FreeSWITCH refuses the applications', async () => {
    const { peer, call: outbound, release } = await call();
    const released = outbound.runAndRelease([{ name: 'hangup', data: '' }]);
    await peer.answer(OK, reply('-ERR memory error'), reply('+OK bye'));
    await expect(released).rejects.toThrow(new CommandError('sendmsg: memory error'));
    release();
  });

  it('rejects when FreeSWITCH refuses a setting', async () => {
    const { peer, call: outbound, release } = await call();
    const released = outbound.runAndRelease([
      { name: 'set', data: 'a=1' },
      { name: 'hangup', data: '' },
    ]);
    await peer.answer(OK, reply('-ERR memory error'), OK, reply('+OK bye'));
    await expect(released).rejects.toThrow(new CommandError('sendmsg: memory error'));
    release();
  });

  it('gets variables and is released', async () => {
    const { peer, call: outbound, release } = await call();
    const released = outbound.setAndRelease({ a: '1' }, { b: '2' });
    expect(await peer.answer(OK, OK, OK, OK)).toEqual([
      TAGGED,
      execute('set', 'a=1'),
      execute('export', 'nolocal:b=2'),
      'exit',
    ]);
    await released;
    release();
  });

  it.each<[string, (outbound: OutboundCall, text: string) => Promise<unknown>]>([
    ['an application to run', (outbound, text) => outbound.execute(text, '')],
    ['the data of one', (outbound, text) => outbound.execute('set', `a=${text}`)],
    ['the name of a variable', (outbound, text) => outbound.getVariable(text)],
    [
      'an application in the list',
      (outbound, text) =>
        outbound.runAndRelease([
          { name: 'set', data: 'a=b' },
          { name: text, data: '' },
        ]),
    ],
    [
      'the data of one in the list',
      (outbound, text) => outbound.runAndRelease([{ name: 'bridge', data: text }]),
    ],
    ['a variable to set', (outbound, text) => outbound.setAndRelease({ a: 'b', c: text }, {})],
    ['a variable to export', (outbound, text) => outbound.setAndRelease({}, { a: text })],
    ['the name of one to set', (outbound, text) => outbound.setAndRelease({ [text]: 'a' }, {})],
  ])('refuses a line end in %s and sends nothing', async (_, send) => {
    const { peer, call: outbound, release } = await call();
    for (const text of ['x\napplication: system reboot', 'x\n\nexit', 'x\rexit', 'x\0'])
      await expect(send(outbound, text)).rejects.toThrow(UnsafeValueError);
    await expectNothingSent(peer, outbound);
    release();
  });
});

describe('the end of a call', () => {
  it.each<[string, (peer: Peer) => void]>([
    ['a disconnect notice', (peer) => peer.write(DISCONNECT)],
    ['the end of the connection', (peer) => peer.end()],
    ['a reset', (peer) => peer.reset()],
  ])('is seen by %s', async (_, end) => {
    const { peer, call: outbound, release } = await call();
    expect(outbound.gone.aborted).toBe(false);
    end(peer);
    await until(() => outbound.gone.aborted);
    release();
  });

  it('rejects pending and later commands', async () => {
    const { peer, call: outbound, release } = await call();
    const waiting = [outbound.execute('set', 'a=b'), outbound.getVariable('a'), outbound.runAndRelease([])];
    const results = Promise.allSettled(waiting);
    await peer.command();
    peer.reset();
    const reasons = (await results).map((result) =>
      result.status === 'rejected' ? result.reason : undefined,
    );
    expect(reasons).toEqual(waiting.map(() => expect.any(ClosedError)));
    await expect(outbound.getVariable('a')).rejects.toThrow(new ClosedError('not connected: getvar'));
    release();
  });

  it('leaves no open socket', async () => {
    for (const end of ['reset', 'end'] as const)
      for (let n = 0; n < 20; n++) {
        const { peer, release } = await call();
        release();
        peer[end]();
      }
    await until(() => server.size === 0);
    expect(errors).toEqual([]);
  });

  it('before the reply to connect counts as a refusal and not as an error', async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', note);
    const probe = await dial();
    await probe.command();
    probe.reset();
    await until(() => refusals.length === 1);
    expect(refusals).toEqual([expect.stringContaining('closed by the peer before it sent anything')]);
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
    expect(errors).toEqual([]);
    const { release } = await call();
    release();
  });
});

describe('a variable that is read ahead', () => {
  it.each([
    ['is set', reply('http://h/?a=%20 3000'), 'http://h/?a=%20 3000'],
    ['is not set, and FreeSWITCH says nothing', '', ''],
    ['is not set, and FreeSWITCH says so', reply('-ERR command not found'), ''],
    ['is set, and the first command is answered as well', reply('-ERR command not found') + reply('a'), 'a'],
    ['starts with ~, which FreeSWITCH answers without an end', 'Content-Type: command/reply\na', ''],
  ])('%s', async (_, answer, text) => {
    await server.close();
    server = await listen('v');
    const handled = Promise.withResolvers<void>();
    onCall = () => handled.promise;
    const peer = await dial();
    const data = channelData({ 'Event-Name': 'CHANNEL_DATA', 'Core-UUID': CORE_UUID, 'Unique-ID': 'u' });
    expect(await peer.answer('', answer, data)).toEqual(['noop', 'getvar v', 'connect']);
    await until(() => calls.length === 1);
    const [outbound] = calls as [OutboundCall];
    expect(outbound.data['Unique-ID']).toBe('u');
    expect(String(await outbound.getVariable('v'))).toBe(text);
    await expectNothingSent(peer, outbound);
    handled.resolve();
  });
});

describe('a peer that is not FreeSWITCH', () => {
  it('is closed when it never replies to connect', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const peer = await dial();
    await peer.command();
    vi.advanceTimersByTime(4_999);
    peer.write('SSH-2.0-OpenSSH_9.2\n\n');
    await new Promise((resolve) => setImmediate(resolve));
    expect(server.size).toBe(1);
    vi.advanceTimersByTime(1);
    await peer.closed;
    expect(server.size).toBe(0);
    expect(refusals).toEqual(['no reply to connect within 5 s']);
  });

  it.each<[string, string | Buffer, string]>([
    [
      'headers without end',
      Buffer.alloc((1 << 17) + 1, 'x'),
      'header block of more than 131072 bytes (MAX_CHANNEL_DATA_BYTES)',
    ],
    [
      'channel data beyond the limit',
      channelData({ 'Unique-ID': 'a b', variable_long: 'x'.repeat(1 << 17) }),
      'header block of the channel a b of more than 131072 bytes (MAX_CHANNEL_DATA_BYTES)',
    ],
    [
      'channel data beyond the limit, with a uuid that is none',
      channelData({ 'Unique-ID': 'x'.repeat(1 << 16), variable_long: 'x'.repeat(1 << 17) }),
      `header block of the channel ${'x'.repeat(256)} of more than 131072 bytes (MAX_CHANNEL_DATA_BYTES)`,
    ],
    [
      'a body beyond the limit',
      'Content-Type: api/response\nContent-Length: 99999\n\n',
      'Content-Length is not a number from 0 to 16384',
    ],
  ])('is closed for %s, with the reason', async (_, bytes, why) => {
    const peer = await dial();
    await peer.command();
    peer.write(bytes);
    await peer.closed;
    await until(() => refusals.length === 1);
    expect(refusals).toEqual([why]);
  });

  it('is closed when it sends a reply without a command', async () => {
    const { peer, call: outbound, release } = await call();
    peer.write(OK);
    await peer.closed;
    expect(outbound.gone.aborted).toBe(true);
    release();
  });
});

describe('OutboundServer', () => {
  it('closes the call whose handler throws and handles the next one', async () => {
    const peer = await dial();
    onCall = async () => {
      throw new Error('a handler');
    };
    await peer.answer(channelData({}));
    await peer.closed;
    expect(errors).toEqual([new Error('a handler')]);
    const { release } = await call();
    release();
  });

  it('rejects with the address that is in use', async () => {
    const ignore = () => {};
    const options = {
      host: '127.0.0.1',
      port: server.port,
      onCall,
      onRefused: ignore,
      onError: ignore,
    };
    await expect(OutboundServer.listen(options)).rejects.toThrow(
      `listen EADDRINUSE: address already in use 127.0.0.1:${server.port}`,
    );
  });

  it('accepts no calls while closing, waits for those in flight, then closes their connections', async () => {
    const { peer, release } = await call();
    const { port } = server;
    let closed = false;
    const closing = server.close().then(() => {
      closed = true;
    });
    await expect(Peer.dial(port)).rejects.toThrow('ECONNREFUSED');
    expect(closed).toBe(false);
    expect(peer.socket.destroyed).toBe(false);
    release();
    await closing;
    await peer.closed;
    expect(errors).toEqual([]);
  });

  it('closes as soon as the caller of a waiting call hangs up', async () => {
    const peer = await dial();
    onCall = (outbound) => new Promise((resolve) => outbound.gone.addEventListener('abort', () => resolve()));
    await peer.answer(channelData({}));
    await until(() => calls.length === 1);
    const closing = server.close();
    peer.write(DISCONNECT);
    await closing;
  });

  it('closes while a connection has not replied to connect', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const peer = await dial();
    await peer.command();
    const closing = server.close();
    vi.advanceTimersByTime(5_000);
    await closing;
    await peer.closed;
  });
});
