import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { serveHealth } from '#libs/lifecycle/health-server.ts';
import { Lifecycle } from '#libs/lifecycle/lifecycle.ts';
import { recordLog } from '#test/support/log.ts';
import { collectedHeap } from '#test/support/security/memory.ts';
import { until } from '#test/support/until.ts';

const MAX = 200;
let port: number;
let lifecycle: Lifecycle;
let lines: ReturnType<typeof recordLog>['lines'];
let opened: Socket[];

beforeEach(async () => {
  const kept = recordLog();
  opened = [];
  lines = kept.lines;
  lifecycle = new Lifecycle(kept.log, 5_000);
  port = await serveHealth(lifecycle, '127.0.0.1', 0);
});
afterEach(async () => {
  for (const socket of opened) socket.destroy();
  await lifecycle.stop();
});

async function open(): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  opened.push(socket.on('error', () => {}));
  await once(socket, 'connect');
  return socket.resume();
}
const openMany = (many: number) => Promise.all(Array.from({ length: many }, open));
const probe = async () => (await fetch(`http://127.0.0.1:${port}/healthz`)).status;

it('a flood of silent connections keeps no probe out, and is counted', async () => {
  for (let round = 0; round < 4; round++) {
    await openMany(MAX);
    expect(await probe()).toBe(200);
  }
  await until(() => opened.filter(({ destroyed }) => destroyed).length >= 3 * MAX);
  expect(lines.find(({ refused }) => refused)).toMatchObject({ address: '127.0.0.1', refused: 1 });
});

const ended = (socket: Socket) => new Promise((resolve) => socket.once('close', resolve));

it('a silent connection, half a request and half a body are closed after some seconds', async () => {
  const halves = [
    '',
    'GET /healthz HTTP/1.1\r\nX-',
    'POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{',
  ];
  await Promise.all(
    halves.map(async (half) => {
      const socket = await open();
      socket.write(half);
      await ended(socket);
    }),
  );
  expect(await probe()).toBe(200);
});

it('headers without end and a body without end are not taken in', async () => {
  const before = collectedHeap();
  const mebibyte = Buffer.alloc(2 ** 20, 'x');
  const heads = [
    'GET /healthz HTTP/1.1\r\nX: ',
    'POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n',
  ];
  await Promise.all(
    heads.map(async (head) => {
      const socket = await open();
      const closed = ended(socket);
      socket.write(head);
      for (let n = 0; n < 64 && !socket.destroyed; n++)
        if (!socket.write(mebibyte))
          await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), closed]);
      socket.end();
      await closed;
    }),
  );
  expect(await probe()).toBe(200);
  expect(collectedHeap() - before).toBeLessThan(16 * 2 ** 20);
});
