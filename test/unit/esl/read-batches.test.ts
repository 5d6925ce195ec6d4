import type { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ReadBatches } from '#libs/esl/read-batches.ts';
import { until } from '#test/support/until.ts';

const HOUR = 3_600_000;

function open(ms: number, isUrgent = () => false) {
  const socket = new PassThrough();
  const read: string[] = [];
  const batches = new ReadBatches(socket as unknown as Socket, ms, isUrgent);
  socket.setEncoding('latin1').on('data', (text) => read.push(String(text)));
  return { socket, batches, read };
}

describe('ReadBatches', () => {
  it('reads the first data at once and keeps the next for the following batch', async () => {
    const { socket, batches, read } = open(HOUR);
    socket.write('a');
    await until(() => socket.isPaused());
    socket.write('b');
    socket.write('c');
    await turn();
    expect(read).toEqual(['a']);
    batches.resume();
    await until(() => read.join('') === 'abc');
    await until(() => socket.isPaused());
    socket.destroy();
  });

  it('reads again when the interval is over', async () => {
    const { socket, read } = open(1);
    socket.write('a');
    await until(() => read.length === 1);
    await turn();
    socket.write('b');
    await until(() => read.join('') === 'ab');
    socket.destroy();
  });

  it('does not pause after a turn with much data, since more has arrived', async () => {
    const { socket, read } = open(HOUR);
    const chunks = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(16 * 1024));
    for (const chunk of chunks) socket.write(chunk);
    await until(() => read.length === chunks.length);
    await turn();
    await turn();
    socket.write('e');
    await until(() => read.join('') === `${chunks.join('')}e`);
    await until(() => socket.isPaused());
    socket.destroy();
  });

  it('does not pause while a reply is awaited', async () => {
    const { socket, read } = open(HOUR, () => true);
    socket.write('a');
    await until(() => read.length === 1);
    await turn();
    socket.write('b');
    await until(() => read.join('') === 'ab');
    socket.destroy();
  });
});
