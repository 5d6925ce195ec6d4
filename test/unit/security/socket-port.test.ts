import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { OutboundServer } from '#libs/esl/outbound.ts';
import type { OutboundCall } from '#libs/esl/outbound-call.ts';
import { readAgentConfig } from '#services/agent/config.ts';
import { SocketGuard } from '#services/agent/socket-guard.ts';
import { channelData, OK, Peer, reply } from '#test/support/esl/peer.ts';
import { recordLog } from '#test/support/log.ts';
import { collectedHeap } from '#test/support/security/memory.ts';
import { until } from '#test/support/until.ts';

const UUID = '6ffd4ce0-54f4-4cc9-8edf-ad14634e844f';
const MAX = 60;
const MAX_PER_ADDRESS = 50;

let server: OutboundServer;
let guard: SocketGuard;
let calls: OutboundCall[];
let errors: Error[];
let opened: Socket[];
let onCall: (call: OutboundCall) => Promise<void>;

beforeEach(async () => {
  const kept = recordLog();
  guard = new SocketGuard(['127.0.0.0/8'], kept.log);
  calls = [];
  errors = [];
  opened = [];
  onCall = (call) => new Promise((over) => call.gone.addEventListener('abort', () => over()));
  server = await OutboundServer.listen({
    host: '127.0.0.1',
    port: 0,
    admits: (address) => guard.admits(address),
    maxConnections: MAX,
    maxConnectionsPerAddress: MAX_PER_ADDRESS,
    onRefused: (address, why) => guard.refuse(address, why),
    onCall: (call) => {
      calls.push(call);
      return onCall(call);
    },
    onError: (error) => errors.push(error),
  });
});
afterEach(async () => {
  vi.useRealTimers();
  for (const socket of opened) socket.destroy();
  await server.close();
});

async function open(localAddress = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port: server.port, host: '127.0.0.1', localAddress });
  socket.on('error', () => {});
  opened.push(socket);
  await once(socket, 'connect');
  return socket;
}

async function call(): Promise<Peer> {
  const before = calls.length;
  const peer = new Peer(await open());
  await peer.answer(channelData({ 'Unique-ID': UUID }));
  await until(() => calls.length > before);
  return peer;
}

/** Proves that a call can still be talked to. */
async function expectWell(peer: Peer, outbound: OutboundCall | undefined): Promise<void> {
  const sent = outbound?.execute('set', 'a=b');
  await peer.answer(OK);
  expect(await sent).toMatchObject({ text: '+OK' });
}

describe('connections that say nothing', () => {
  it('a flood of them affects no call, in flight or new, and each is counted', async () => {
    const peers = [await call(), await call()];
    for (let round = 0; round < 5; round++) {
      const flood = await Promise.all(Array.from({ length: 100 }, () => open('127.0.0.2')));
      for (const socket of flood) socket.resume();
    }
    peers.push(await call());
    for (const [at, peer] of peers.entries()) await expectWell(peer, calls[at]);
    await until(() => guard.refused >= 500 - MAX_PER_ADDRESS);
    expect(server.size).toBeLessThanOrEqual(MAX_PER_ADDRESS + peers.length);
    expect(errors).toEqual([]);
  });

  it('from many addresses give way to a call as well', async () => {
    await Promise.all(Array.from({ length: 200 }, (_, n) => open(`127.0.1.${n + 1}`)));
    await until(() => guard.refused >= 200 - MAX);
    expect(server.size).toBe(MAX);
    await expectWell(await call(), calls[0]);
    expect(server.size).toBe(MAX);
  });

  it('a peer that answers like FreeSWITCH is limited to the share of its address', async () => {
    for (let n = 0; n < MAX_PER_ADDRESS; n++) await call();
    const late = await open();
    late.resume();
    await once(late, 'close');
    expect([server.size, guard.refused]).toEqual([MAX_PER_ADDRESS, 1]);
    const other = await open('127.0.0.2');
    expect(await new Peer(other).command()).toBe('connect');
  });
});

describe('connections that say something, slowly', () => {
  const advance = async (ms: number) => {
    vi.advanceTimersByTime(ms);
    await new Promise((resolve) => setImmediate(resolve));
  };

  it('a trickle instead of an answer to connect is over after 5 s', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const peer = new Peer(await open());
    await peer.command();
    for (let second = 0; second < 5; second++) {
      peer.write(`X-${second}: `);
      await advance(999);
    }
    expect(server.size).toBe(1);
    await advance(5);
    await peer.closed;
    expect([server.size, guard.refused]).toEqual([0, 1]);
  });

  it('a call that answers nothing any more is let go after 10 s, whatever else it says', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const peer = await call();
    const asked = calls[0]?.getVariable('cti_bridge').catch((error: Error) => error.cause);
    await peer.command();
    for (let second = 0; second < 10; second++) {
      peer.write(reply('not the uuid'), 'Content-Type: text/event-plain\n\n');
      await advance(1_000);
    }
    expect(await asked).toMatchObject({ message: 'no reply to getvar within 10000 ms' });
    await peer.closed;
  });

  it('a call that has been let go and does not leave is shut after 5 s', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onCall = (one) => one.runAndRelease([{ name: 'hangup', data: '' }]);
    const peer = await call();
    await peer.answer(OK, OK);
    expect(server.size).toBe(1);
    while (server.size > 0) await advance(1_000);
    await peer.closed;
    expect([server.size, errors, guard.refused]).toEqual([0, [], 0]);
  });
});

describe('connections that say too much', () => {
  it('endless headers in all of them take bounded memory and affect no call in flight', async () => {
    const peer = await call();
    const before = collectedHeap();
    const flood = await Promise.all(Array.from({ length: MAX_PER_ADDRESS }, () => open('127.0.0.2')));
    const endless = Buffer.alloc(120 * 1024, 'x');
    for (const socket of flood) socket.write(endless);
    await until(() => guard.refused >= MAX_PER_ADDRESS - (MAX * 32) / 120 - 1);
    await expectWell(peer, calls[0]);
    const limit = MAX * 32 * 1024;
    expect(collectedHeap() - before).toBeLessThan(2 * limit + 4 * 2 ** 20);
  });

  it.each([
    ['headers', Buffer.alloc(200 * 1024, 'x')],
    ['a Content-Length', 'Content-Type: api/response\nContent-Length: 20000\n\n'],
    ['an endless Content-Length', 'Content-Type: api/response\nContent-Length: 1e308\n\n'],
    ['a negative Content-Length', 'Content-Type: api/response\nContent-Length: -1\n\n'],
  ])('%s beyond the limit ends its own connection', async (_, bytes) => {
    const well = await call();
    const peer = new Peer(await open());
    await peer.command();
    peer.write(bytes);
    await peer.closed;
    await until(() => guard.refused === 1);
    await expectWell(well, calls[0]);
  });
});

describe('the settings', () => {
  it.each([
    [{}, true],
    [{ MAX_CALLS_DECIDING: '3000' }, false],
    [{ MAX_CALLS_DECIDING: '5000', MAX_SOCKET_CONNECTIONS_PER_ADDRESS: '6000' }, false],
    [
      {
        MAX_CALLS_DECIDING: '5000',
        MAX_SOCKET_CONNECTIONS_PER_ADDRESS: '6000',
        MAX_SOCKET_CONNECTIONS: '6000',
      },
      true,
    ],
  ])('leave room to tell a call too many so: %j', (env, good) => {
    if (good) expect(readAgentConfig(env)).toBeDefined();
    else expect(() => readAgentConfig(env)).toThrow('MAX_CALLS_DECIDING must be less than');
  });
});
