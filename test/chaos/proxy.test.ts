import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WireProxy } from './proxy.ts';

/** A server that sends back what it gets. */
const echo = createServer((socket) => {
  socket.on('error', () => {});
  socket.pipe(socket);
});
let proxy: WireProxy;
let client: Socket;
let heard: Buffer;

async function open(): Promise<Socket> {
  const socket = connect({ port: proxy.port, host: '127.0.0.1', noDelay: true });
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    heard = Buffer.concat([heard, chunk]);
  });
  await once(socket, 'connect');
  return socket;
}

async function hears(length: number): Promise<string> {
  while (heard.length < length) await once(client, 'data');
  return heard.toString();
}

beforeEach(async () => {
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  proxy = await WireProxy.start((echo.address() as AddressInfo).port);
  heard = Buffer.alloc(0);
  client = await open();
});
afterEach(async () => {
  client.destroy();
  await proxy.stop();
  echo.close();
});

test('passes bytes, and the end of them', async () => {
  client.end('some words');
  await once(client, 'end');
  expect(heard.toString()).toBe('some words');
});

test('keeps what a new connection sends first for as long as a distant handshake takes', async () => {
  proxy.trouble({ connectMs: 100 });
  const begun = performance.now();
  const late = await open();
  late.write('hello');
  await once(late, 'data');
  expect(performance.now() - begun).toBeGreaterThanOrEqual(95);
  late.destroy();
});

test('delays, and keeps the order when the delay ends', async () => {
  proxy.trouble({ delayMs: 100 });
  const begun = performance.now();
  client.write('one ');
  await sleep(20);
  client.write('two ');
  await sleep(20);
  proxy.heal();
  client.write('three');
  expect(await hears(13)).toBe('one two three');
  expect(performance.now() - begun).toBeGreaterThanOrEqual(95);
});

test('stalls without losing a byte', async () => {
  proxy.trouble({ stall: true });
  client.write('held');
  await sleep(60);
  expect(heard).toHaveLength(0);
  proxy.heal();
  expect(await hears(4)).toBe('held');
});

test('corrupts one byte of a chunk', async () => {
  proxy.trouble({ corrupt: 1 });
  client.write('x'.repeat(200));
  await hears(200);
  expect([...heard].filter((byte) => byte !== 0x78).length).toBeOneOf([1, 2]);
});

test('cuts with a reset, and refuses until healed', async () => {
  client.write('hello');
  await hears(5);
  proxy.trouble({ refuse: true });
  const [error] = await once(client, 'error');
  expect(error).toMatchObject({ code: 'ECONNRESET' });
  expect(proxy.connections).toBe(0);
  proxy.heal();
  heard = Buffer.alloc(0);
  client = await open();
  client.write('again');
  expect(await hears(5)).toBe('again');
});
